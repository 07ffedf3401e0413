"""What a recording shows of a foundation's resources as they were at its beginning. Never makes a seed of them.

Of each resource the first answer counts that shows it, since what comes later may follow from what the client did.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from mockfoundry.recording.har import HarActor, HarEntry, Recording
from mockfoundry.recording.times import follow_foundation_clock

Resource = Mapping[str, Any]

KINDS = frozenset(
    (
        *("organizations", "spaces", "organization_quotas", "space_quotas", "apps", "processes", "deployments"),
        *("users", "roles", "feature_flags", "isolation_segments", "sidecars"),
    )
)
"""Collections of the API whose resources a seed has."""

REDACTED = "[redacted "
HIDDEN_IN_LISTS = "[PRIVATE DATA HIDDEN IN LISTS]"
"""What the Cloud Controller shows of a command in lists."""

_SELF = re.compile(r"/v3/(?P<kind>\w+)/(?P<guid>[^/?]+)$")
_STATS = re.compile(r"/v3/(?:processes/(?P<guid>[^/]+)|apps/(?P<app>[^/]+)/processes/(?P<type>[^/]+))/stats$")
_FEATURES = re.compile(r"/v3/apps/(?P<app>[^/]+)/features$")
_NUMBER = re.compile(r"[0-9]{1,9}")
_PREFIX = re.compile(r"/foundations/[^/]+(?=/)")


class InstanceSeen(msgspec.Struct, frozen=True):
    """The state of an instance.

    Attributes:
        details: why, None for nothing.
    """

    state: str
    details: str | None


class Seen(msgspec.Struct):
    """Resources as they were when a recording began.

    Attributes:
        kinds: for each collection, by guid (by name where there is none), in the order in which they were seen.
        instances: for each process, by index, the state that all answers showed before anything was changed there.
        ended: when deployments that were active were over, as far as the client did not end them; in microseconds.
        features: of apps, by name, each on or off.
        actors: who asked, by name.
        logged_in: the names of those who logged in by a password.
        rate_limit: requests in an interval, as headers said; None where none did.
        other: how often resources of other collections were seen.
        first: when it began, in real microseconds; 0 where it is empty.
    """

    kinds: dict[str, dict[str, Resource]]
    instances: dict[str, dict[int, InstanceSeen]]
    ended: dict[str, int]
    features: dict[str, dict[str, bool]]
    actors: dict[str, HarActor]
    logged_in: dict[str, None]
    other: dict[str, int]
    rate_limit: int | None = None
    first: int = 0


def find_api_path(url: str, upstream: str) -> str:
    """The path of a URL as the API has it, without what stands before it on the foundation."""
    path = urlsplit(url).path
    base = urlsplit(upstream).path.rstrip("/")
    if base and (path == base or path.startswith(f"{base}/")):
        path = path[len(base) :]
    else:
        path = _PREFIX.sub("", path, count=1)
    return path or "/"


def is_of_upstream(url: str, upstream: str) -> bool:
    """Whether a URL is one of the API; any is, where it is not known which host that has."""
    return not upstream or url == upstream or url.startswith((f"{upstream}/", f"{upstream}?"))


def see_recording(recording: Recording) -> Seen:
    """What a recording shows of how it was when it began."""
    return Looking(recording.upstream).look(follow_foundation_clock(recording).entries)


class Looking:
    """Goes through a recording, entry by entry.

    Args:
        upstream: the URL of the foundation; empty where it is not known.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._made: set[str] = set()
        self._changed: set[str] = set()
        self._unsteady: set[tuple[str, int]] = set()
        self.seen = Seen({kind: {} for kind in sorted(KINDS)}, {}, {}, {}, {}, {}, {})

    def look(self, entries: Iterable[HarEntry]) -> Seen:
        seen = self.seen
        for entry in entries:
            seen.first = seen.first or entry.started
            if entry.actor is not None and entry.actor.name:
                seen.actors.setdefault(entry.actor.name, entry.actor)
            limit = entry.answer_header("x-ratelimit-limit")
            # A gateway before the foundation may refuse with a limit of its own.
            if seen.rate_limit is None and entry.status < 400 and _NUMBER.fullmatch(limit):
                seen.rate_limit = int(limit)
            is_seen = is_of_upstream(entry.url, self._upstream) or urlsplit(entry.url).path.endswith("/oauth/token")
            if 200 <= entry.status < 300 and is_seen:
                self._look_at(entry, find_api_path(entry.url, self._upstream))
        for guid, index in self._unsteady:
            seen.instances.get(guid, {}).pop(index, None)
        return seen

    def _look_at(self, entry: HarEntry, path: str) -> None:
        if path.endswith("/oauth/token"):
            self._note_log_in(entry)
            return
        value = entry.value
        if path.endswith(("/env", "/environment_variables")):
            self.seen.other["environment_variables"] = self.seen.other.get("environment_variables", 0) + 1
            self._note_change(entry, path)
            return
        if not isinstance(value, dict) or "/v3/" not in path:
            self._note_change(entry, path)
            return
        if found := _STATS.search(path):
            self._look_at_stats(found, value)
            return
        if found := _FEATURES.search(path):
            names = {
                each["name"]: each.get("enabled") is True
                for each in iterate_resources(value)
                if isinstance(each.get("name"), str)
            }
            self.seen.features.setdefault(found["app"], names)
            return
        is_made = entry.method == "POST" and re.search(r"/v3/\w+$", path) is not None
        for resource in iterate_resources(value):
            self._take(resource, is_made, entry.started)
        self._note_change(entry, path)

    def _note_log_in(self, entry: HarEntry) -> None:
        form = dict(parse_qsl(entry.content.decode("utf-8", "replace")))
        name = form.get("username", "")
        if form.get("grant_type") == "password" and name and not name.startswith(REDACTED):
            self.seen.logged_in[name] = None

    def _note_change(self, entry: HarEntry, path: str) -> None:
        """Remembers that what a path names is no longer as it was."""
        if entry.method not in ("GET", "HEAD", "OPTIONS"):
            self._changed.update(path.split("/"))

    def _take(self, resource: Resource, is_made: bool, moment: int) -> None:
        kind, key = identify(resource)
        if not key:
            return
        if kind not in KINDS or not is_whole(kind, resource):
            self.seen.other[kind] = self.seen.other.get(kind, 0) + 1
            return
        if is_made:
            self._made.add(key)
            self._made.update(list_new_processes(resource))
        app = find_related(resource, "app")
        if is_made:
            self._changed.add(app)
        if key in self._made or app in self._made:
            self._made.add(key)
            return
        known = self.seen.kinds[kind].get(key)
        if kind == "deployments" and known is not None and key not in self._changed and not is_active(resource):
            self.seen.ended.setdefault(key, moment)
        if known is None:
            self.seen.kinds[kind][key] = resource
        elif key not in self._changed and app not in self._changed:
            self.seen.kinds[kind][key] = {**resource, **{name: each for name, each in known.items() if is_shown(each)}}

    def _look_at_stats(self, path: re.Match[str], value: Resource) -> None:
        guid = path["guid"] or self._find_process(path["app"], path["type"])
        if not guid or guid in self._changed or path["app"] in self._changed:
            return
        instances = self.seen.instances.setdefault(guid, {})
        for each in iterate_resources(value):
            match each:
                case {"index": int(index), "state": str(state)}:
                    details = each.get("details")
                    found = InstanceSeen(state, details if isinstance(details, str) else None)
                    if instances.setdefault(index, found) != found:
                        self._unsteady.add((guid, index))

    def _find_process(self, app: str, type_: str) -> str:
        processes = self.seen.kinds["processes"].items()
        found = (guid for guid, each in processes if find_related(each, "app") == app and each.get("type") == type_)
        # The Cloud Controller gives a web process its app's guid.
        return next(found, app if type_ == "web" else "")


def iterate_resources(value: Resource) -> Iterator[Resource]:
    """The resources of an answer: of a list, of what it includes, or the one that it is."""
    listed = value.get("resources")
    if isinstance(listed, list):
        yield from (each for each in listed if isinstance(each, dict))
    else:
        yield value
    included = value.get("included")
    for each in included.values() if isinstance(included, dict) else ():
        yield from (inside for inside in each if isinstance(inside, dict)) if isinstance(each, list) else ()


def identify(resource: Resource) -> tuple[str, str]:
    """The collection that a resource is of and its guid there, by its own link; empty texts where it has none."""
    match resource:
        case {"links": {"self": {"href": str(href)}}} if found := _SELF.search(href):
            return found["kind"], found["guid"]
        # The Cloud Controller's sidecars have no links.
        case {"guid": str(guid), "process_types": list()}:
            return "sidecars", guid
    return "", ""


def find_related(resource: Resource | None, name: str) -> str:
    """The guid of what a resource belongs to; empty where it says none."""
    match resource:
        case {"relationships": {**related}}:
            match related.get(name):
                case {"data": {"guid": str(guid)}}:
                    return guid
    return ""


NAMED_BY = {
    "feature_flags": ("name",),
    **dict.fromkeys(("users", "roles", "deployments"), ("guid",)),
    "processes": ("guid", "type"),
}
"""The fields by which a seed names a resource; of the other collections these are the guid and the name."""


def is_whole(kind: str, resource: Resource) -> bool:
    """Whether a resource has what a seed names it by."""
    return all(isinstance(resource.get(name), str) for name in NAMED_BY.get(kind, ("guid", "name")))


def list_new_processes(deployment: Resource) -> list[str]:
    """The guids of the processes that a deployment makes."""
    found = deployment.get("new_processes")
    listed = found if isinstance(found, list) else []
    return [each["guid"] for each in listed if isinstance(each, dict) and isinstance(each.get("guid"), str)]


def is_active(deployment: Resource) -> bool:
    """Whether a deployment is in flight."""
    match deployment:
        case {"status": {"value": "ACTIVE"}}:
            return True
    return False


def is_shown(value: Any) -> bool:
    """Whether a field says what it holds."""
    return value != HIDDEN_IN_LISTS and not (isinstance(value, str) and value.startswith(REDACTED))
