"""A seed of what a recording shows. Never asks a foundation, never makes up what was seen.

What the recording does not show is left to the seed's defaults, and said in a comment at its top.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.seeds.settings_forms import FEATURE_FLAG_LIST
from mockfoundry.cloudfoundry.seeds.user_forms import ORGANIZATION_ROLES, SCOPES, SPACE_ROLES
from mockfoundry.documents.quoting import quote_line
from mockfoundry.documents.times import format_duration, format_moment, parse_zoned_moment
from mockfoundry.documents.yaml_writing import render_mapping
from mockfoundry.recording.har import Recording
from mockfoundry.recording.seen import (
    Resource,
    Seen,
    find_related,
    is_active,
    is_shown,
    list_new_processes,
    see_recording,
)

COMMON = ("guid", "created_at", "updated_at")
UNSEEN_ORGANIZATION = UNSEEN_SPACE = "not-seen"
ADMIN_NAME, ADMIN_SCOPE = "admin", "cloud_controller.admin"
"""UAA's first user [uaa, users of the bootstrap], and what its scopes come down to."""

SEEDED_FEATURES = frozenset({"ssh", "revisions", "service-binding-k8s", "file-based-vcap-services"})
QUOTA_LIMITS = {
    "apps": (
        *("total_memory_in_mb", "per_process_memory_in_mb", "total_instances", "per_app_tasks"),
        "log_rate_limit_in_bytes_per_second",
    ),
    "services": ("paid_services_allowed", "total_service_instances", "total_service_keys"),
    "routes": ("total_routes", "total_reserved_ports"),
    "domains": ("total_domains",),
}
SIZES = ("instances", "memory_in_mb", "disk_in_mb", "log_rate_limit_in_bytes_per_second")
HELD_STATES = frozenset({"CRASHED", "DOWN", "STARTING"})
CHECK_FIELDS = ("timeout", "invocation_timeout", "interval", "endpoint")


def seed_text_from_recording(recording: Recording, source: str) -> str:
    """The text of a seed file for what a recording shows, with what it does not show in comments.

    Args:
        source: the name of the recording's file.
    """
    seen = see_recording(recording)
    builder = SeedBuilder(seen)
    document = builder.build()
    began = f", which begins at {format_moment(seen.first)}" if seen.first else ""
    head = [f"Made from {source}{began}.", *builder.list_notes()]
    lines = [f"# {quote_line(each)}" for each in head]
    return "\n".join([*lines, *render_mapping(document, 0), ""])


class SeedBuilder:
    """Makes the value of a seed file, and notes what had to be filled in."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._kinds = seen.kinds
        self._notes: Counter[str] = Counter()
        self._quotas_given: set[str] = set()
        self._processes: dict[str, list[Resource]] = {}
        self._new_processes = {
            guid for deployment in self._list_active_deployments() for guid in list_new_processes(deployment)
        }
        for process in self._kinds["processes"].values():
            its = self._processes.setdefault(find_related(process, "app"), [])
            # The web process that a deployment has made takes the place of the one before.
            if process["guid"] not in self._new_processes and all(each["type"] != process["type"] for each in its):
                its.append(process)

    def build(self) -> dict[str, Any]:
        flags = {
            name: describe_flag(each)
            for name, each in self._kinds["feature_flags"].items()
            if any(key.name == name for key in FEATURE_FLAG_LIST.keys)
        }
        default_quota = self._find_default_quota()
        limit = self._seen.rate_limit
        parts = {
            "settings": {} if limit is None else {"rate_limit": limit},
            "feature_flags": flags,
            "default_quota": self._describe_quota("organization_quotas", default_quota) if default_quota else {},
            "isolation_segments": [
                {"name": each["name"], **pick(each, COMMON), **describe_metadata(each)}
                for each in self._kinds["isolation_segments"].values()
                if "name" in each
            ],
            "organizations": list(self._list_organizations(default_quota)),
            "users": list(self._list_users()),
        }
        return {name: each for name, each in parts.items() if each or name == "organizations"}

    def list_notes(self) -> Iterator[str]:
        """What the recording does not show, in sentences."""
        for text, times in self._notes.items():
            yield text + (f" ({times} times)." if times > 1 else ".")
        if self._seen.other:
            told = ", ".join(f"{kind} ({times})" for kind, times in sorted(self._seen.other.items()))
            yield f"Seen, and not taken: {told}."

    def _note_unseen(self, text: str) -> None:
        self._notes[f"Not seen: {text}"] += 1

    def _list_active_deployments(self) -> Iterator[Resource]:
        return filter(is_active, self._kinds["deployments"].values())

    def _find_default_quota(self) -> str:
        """The guid of the quota that stands for organizations without one of their own; empty for none."""
        given = Counter(find_related(each, "quota") for each in self._kinds["organizations"].values())
        del given[""]
        for guid, each in self._kinds["organization_quotas"].items():
            if each.get("name") == "default" or given[guid] > 1:
                return guid
        return next((guid for guid, times in given.items() if times > 1), "")

    def _describe_quota(self, kind: str, guid: str) -> dict[str, Any]:
        quota = self._kinds[kind].get(guid)
        if quota is None:
            self._note_unseen(f"what the quota {guid} allows; it has no limits here")
            return {"guid": guid}
        limits = {
            name: part[name] for place, names in QUOTA_LIMITS.items() if isinstance(part := quota.get(place), dict)
            for name in names if name in part
        }  # fmt: skip
        return {**pick(quota, ("name", *COMMON)), **{name: each for name, each in limits.items() if each is not None}}

    def _describe_own_quota(self, kind: str, guid: str) -> dict[str, Any]:
        """The quota of an organization or a space; a second owner gets one of its own that allows the same."""
        quota = self._describe_quota(kind, guid)
        if guid in self._quotas_given:
            self._notes[f"The quota {guid} has several owners: here one has it, and the others have its like"] += 1
            return {name: each for name, each in quota.items() if name not in (*COMMON, "name")}
        self._quotas_given.add(guid)
        return quota

    def _list_organizations(self, default_quota: str) -> Iterator[dict[str, Any]]:
        known = self._kinds["organizations"]
        spaces: dict[str, list[str]] = {guid: [] for guid in known}
        for guid, space in self._kinds["spaces"].items():
            spaces.setdefault(find_related(space, "organization"), []).append(guid)
        for guid in self._find_unseen_spaces():
            spaces.setdefault("", []).append(guid)
        for guid, its in spaces.items():
            organization = known.get(guid)
            written: dict[str, Any] = {
                "name": self._name_of(organization, "an organization", guid, UNSEEN_ORGANIZATION)
            }
            if organization is not None:
                written |= pick(organization, (*COMMON, "suspended")) | describe_metadata(organization)
                quota = find_related(organization, "quota")
                if quota and quota != default_quota:
                    written["quota"] = self._describe_own_quota("organization_quotas", quota)
            elif guid:
                written["guid"] = guid
            written["spaces"] = make_names_unique([self._describe_space(each) for each in its])
            yield written

    def _name_of(self, resource: Resource | None, noun: str, guid: str, unseen: str) -> str:
        if resource is not None and isinstance(resource.get("name"), str):
            return str(resource["name"])
        self._note_unseen(f"the name of {noun}{f' ({guid})' if guid else ''}")
        return f"{unseen}-{guid[:8]}" if guid else unseen

    def _find_unseen_spaces(self) -> list[str]:
        """The guids of spaces that apps are in and that no answer showed; empty where not even that is known."""
        wanted = {find_related(each, "space"): None for each in self._kinds["apps"].values()}
        wanted |= {self._find_space_of(guid): None for guid in self._processes if guid not in self._kinds["apps"]}
        return [guid for guid in wanted if guid not in self._kinds["spaces"]]

    def _find_space_of(self, app: str) -> str:
        """The space that the links of an app's processes lead to; empty where they lead to none."""
        for each in self._processes.get(app, ()):
            match each:
                case {"links": {"space": {"href": str(href)}}}:
                    return href.rpartition("/")[2]
        return ""

    def _describe_space(self, guid: str) -> dict[str, Any]:
        space = self._kinds["spaces"].get(guid)
        written: dict[str, Any] = {"name": self._name_of(space, "a space", guid, UNSEEN_SPACE)}
        if space is not None:
            written |= pick(space, (*COMMON, "suspended")) | describe_metadata(space)
            if quota := find_related(space, "quota"):
                written["quota"] = self._describe_own_quota("space_quotas", quota)
        elif guid:
            written["guid"] = guid
        apps = {key: each for key, each in self._kinds["apps"].items() if find_related(each, "space") == guid}
        unseen = [
            each for each in self._processes if each not in self._kinds["apps"] and self._find_space_of(each) == guid
        ]
        written["apps"] = make_names_unique([self._describe_app(key, apps.get(key)) for key in (*apps, *unseen)])
        return written

    def _describe_app(self, guid: str, app: Resource | None) -> dict[str, Any]:
        written: dict[str, Any] = {"name": self._name_of(app, "an app", guid, "app"), "guid": guid}
        if app is not None:
            written |= pick(app, (*COMMON, "state")) | describe_metadata(app) | describe_lifecycle(app)
            match app:
                case {"relationships": {"current_droplet": {"data": None}}}:
                    written["droplet"] = None
                case {"relationships": {"current_droplet": {"data": {"guid": droplet}}}}:
                    written["droplet"] = {"guid": droplet}
        features = {name: on for name, on in self._seen.features.get(guid, {}).items() if name in SEEDED_FEATURES}
        if features:
            written["features"] = features
        sidecars = [each for each in self._kinds["sidecars"].values() if find_related(each, "app") == guid]
        if sidecars:
            names = ("name", "guid", "process_types", "memory_in_mb", "command", "origin")
            written["sidecars"] = [pick(each, names) for each in sidecars]
        deployments = [each for each in self._list_active_deployments() if find_related(each, "app") == guid]
        if deployments:
            written["deployment"] = self._describe_deployment(deployments[0])
        processes = self._processes.get(guid, [])
        if not processes:
            self._note_unseen("the processes of an app; it has one of type web")
        revisions = [each for each in (find_related(process, "revision") for process in processes) if each]
        if revisions:
            written["revision"] = revisions[0]
        if processes:
            written["processes"] = [self._describe_process(each) for each in processes]
        return written

    def _describe_process(self, process: Resource) -> dict[str, Any]:
        written = {**pick(process, ("type", *COMMON, "version", *SIZES)), **describe_metadata(process)}
        if not is_shown(process.get("command")):
            self._note_unseen("the command of a process")
        elif process.get("command"):
            written["command"] = process["command"]
        if process.get("user") not in (None, "vcap"):
            written["user"] = process["user"]
        for name in ("health_check", "readiness_health_check"):
            match process.get(name):
                case {"type": "port" | "process" | "http" as type_, **rest}:
                    data = rest.get("data")
                    known = pick(data, CHECK_FIELDS) if isinstance(data, dict) else {}
                    # A check of type http has one; the Cloud Controller's own is the root.
                    written[name] = {"type": type_, "data": {"endpoint": "/", **known} if type_ == "http" else known}
        app = self._kinds["apps"].get(find_related(process, "app"), {})
        if app.get("state") == "STOPPED":
            return written
        wanted = written.get("instances", 1)
        if process["guid"] not in self._seen.instances and wanted:
            self._note_unseen("the stats of a process; its instances run")
        states = {
            str(index): {"state": each.state, "details": each.details} if each.details else each.state
            for index, each in self._seen.instances.get(process["guid"], {}).items()
            if each.state in HELD_STATES and isinstance(wanted, int) and index < wanted
        }
        return {**written, "instance_states": states} if states else written

    def _describe_deployment(self, deployment: Resource) -> dict[str, Any]:
        status, options = deployment.get("status"), deployment.get("options")
        reason = status.get("reason") if isinstance(status, dict) else None
        strategy = deployment.get("strategy")
        return {
            **pick(deployment, ("guid", "created_at")),
            **({"strategy": strategy} if strategy in ("rolling", "canary", "recreate") else {}),
            **describe_metadata(deployment),
            **({"reason": reason} if reason in ("DEPLOYING", "PAUSED", "CANCELING") else {}),
            **(pick(options, ("max_in_flight",)) if isinstance(options, dict) else {}),
            "seconds": self._measure_deployment(deployment),
        }

    def _measure_deployment(self, deployment: Resource) -> str | None:
        """How long it took; None where the recording does not show its end, or the client ended it."""
        ended, created = self._seen.ended.get(deployment["guid"]), deployment.get("created_at")
        if ended is not None and isinstance(created, str):
            with suppress(ValueError):
                return format_duration(max(ended - parse_zoned_moment(created), SECOND))
        self._note_unseen("the end of a deployment; it goes on here")
        return None

    def _list_users(self) -> Iterator[dict[str, Any]]:
        named = (each for each in self._kinds["users"].values() if isinstance(each.get("username"), str))
        users = {each["username"]: each for each in named if each["username"]}
        roles: dict[str, list[Resource]] = {}
        for role in self._kinds["roles"].values():
            roles.setdefault(find_related(role, "user"), []).append(role)
        for name in dict.fromkeys((*users, *self._seen.actors, *self._seen.logged_in)):
            user, actor = users.get(name), self._seen.actors.get(name)
            written: dict[str, Any] = {"name": name}
            guid = "" if actor is None else actor.guid
            if user is not None:
                written |= pick(user, (*COMMON, "origin")) | describe_metadata(user)
                guid = user["guid"]
            elif guid:
                written["guid"] = guid
            organizations, spaces = self._describe_roles(roles.get(guid, ()))
            scopes = [] if actor is None else [each for each in SCOPES if each in actor.scopes]
            if actor is None and name == ADMIN_NAME:
                scopes = [ADMIN_SCOPE]
            elif actor is not None and not (organizations or spaces or set(scopes).intersection(SCOPES[:3])):
                self._note_unseen(f"the roles of {name}, who asked; an admin here")
                scopes = [ADMIN_SCOPE]
            if scopes:
                written["scopes"] = scopes
            if organizations:
                written["organizations"] = organizations
            if spaces:
                written["spaces"] = spaces
            yield written

    def _describe_roles(self, roles: Iterable[Resource]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        organizations: dict[str, list[str]] = {}
        spaces: dict[str, list[str]] = {}
        for role in roles:
            kind = role.get("type")
            organization = self._kinds["organizations"].get(find_related(role, "organization"))
            space = self._kinds["spaces"].get(find_related(role, "space"))
            if organization is not None and kind in ORGANIZATION_ROLES:
                organizations.setdefault(organization["name"], []).append(str(kind))
            elif space is not None and kind in SPACE_ROLES:
                owner = self._kinds["organizations"].get(find_related(space, "organization"))
                if owner is not None:
                    spaces.setdefault(f"{owner['name']}/{space['name']}", []).append(str(kind))
        return organizations, spaces


def make_names_unique(written: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entities of which a later one of a name that was taken has its guid behind its name."""
    taken: set[str] = set()
    for each in written:
        if each["name"] in taken:
            each["name"] = f"{each['name'][:200]}-{each.get('guid', len(taken))}"
        taken.add(each["name"])
    return written


def pick(resource: Resource, names: Iterable[str]) -> dict[str, Any]:
    """The fields of those names that are there and say something."""
    return {name: resource[name] for name in names if resource.get(name) is not None and is_shown(resource[name])}


def describe_metadata(resource: Resource) -> dict[str, Any]:
    match resource.get("metadata"):
        case {"labels": labels, "annotations": annotations} if labels or annotations:
            return {"metadata": {"labels": labels, "annotations": annotations}}
    return {}


def describe_lifecycle(app: Resource) -> dict[str, Any]:
    match app.get("lifecycle"):
        case {"type": "buildpack" | "cnb" | "docker" as type_, **rest}:
            data = rest.get("data")
            named = pick(data, ("buildpacks", "stack")) if isinstance(data, dict) else {}
            return {"lifecycle": type_, **{name: each for name, each in named.items() if each}}
    return {}


def describe_flag(flag: Resource) -> Any:
    message = flag.get("custom_error_message")
    updated = pick(flag, ("updated_at",))
    if message is None and not updated:
        return flag.get("enabled") is True
    return {
        "enabled": flag.get("enabled") is True,
        **({} if message is None else {"error_message": message}),
        **updated,
    }
