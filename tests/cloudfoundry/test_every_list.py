"""Every list of the platform, asked with every parameter that its contract documents, as four users.

What a parameter asks for is taken from what the list shows without it, so a parameter that changes nothing, or that
lets through what it should not, is found whatever the list. A list needs a rule for each parameter of its own in RULES,
and enough in WORLD that each of them can tell something apart.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from mockfoundry import shipped
from tests.serving import Serving, read_document, real_now, serving

ADMIN, DEVELOPER, AUDITOR, STRANGER = "admin", "alice", "otto", "mallory"
ACTORS = (ADMIN, DEVELOPER, AUDITOR, STRANGER)


def made(number: int) -> dict[str, str]:
    """Times that nothing else has: the later one is created, the earlier it was changed."""
    return {"created_at": f"2026-01-01T00:00:{number:02}Z", "updated_at": f"2026-02-01T00:00:{59 - number:02}Z"}


def labelled(**labels: str) -> dict[str, Any]:
    return {"metadata": {"labels": labels}}


DORA: dict[str, Any] = {
    "name": "dora",
    "guid": "dora",
    "stack": "cflinuxfs5",
    **made(1),
    **labelled(tier="web"),
    "packages": [
        {"guid": "dora-bits", **made(1), **labelled(tier="web")},
        {"guid": "dora-broken", "state": "FAILED", "type": "docker", "image": "dora", **made(2)},
    ],
    "droplet": {"guid": "dora-new", "package": "dora-bits", **made(3), **labelled(tier="web")},
    "droplets": [
        {"guid": "dora-old", "package": "dora-bits", **made(1)},
        {"guid": "dora-failed", "package": "dora-bits", "state": "FAILED", "error": "no", **made(2)},
    ],
    "revision": "dora-two",
    "revisions": [
        {"guid": "dora-one", "droplet": "dora-old", **made(1), **labelled(tier="web")},
        {"guid": "dora-two", "droplet": "dora-new", **made(2)},
    ],
    "routes": [
        {"host": "dora", **made(1), **labelled(tier="web")},
        {"host": "dora", "path": "/api", "domain": "other.example.com", **made(2)},
        {"domain": "tcp.example.com", "port": 1024, **made(3)},
    ],
    "tasks": [
        {"name": "migrate", "state": "SUCCEEDED", **made(1), **labelled(tier="web")},
        {"name": "report", **made(2)},
    ],
    "sidecars": [
        {"name": "proxy", "process_types": ["web"], **made(1)},
        {"name": "agent", "process_types": ["web"], **made(2)},
    ],
    "processes": [
        {"type": "web", "guid": "dora-web", "revision": "dora-two", **made(1), **labelled(tier="web")},
        {"type": "worker", "instances": 1, "revision": "dora-one", **made(2)},
    ],
}
SHOP: dict[str, Any] = {
    "name": "shop",
    "guid": "shop",
    "lifecycle": "docker",
    "state": "STOPPED",
    **made(2),
    "routes": [{"host": "shop", **made(5)}],
    "tasks": [{"name": "count", "state": "SUCCEEDED", **made(4)}],
}
AWAY: dict[str, Any] = {
    "name": "away",
    "guid": "away",
    **made(3),
    "routes": [{"host": "away", "domain": "away.example.com", **made(4)}],
    "tasks": [{"name": "clean", "state": "FAILED", **made(3)}],
}

WORLD: dict[str, Any] = {
    "feature_flags": {
        "app_scaling": {"enabled": True, "updated_at": "2026-03-01T00:00:01Z"},
        "diego_docker": {"enabled": True, "updated_at": "2026-03-01T00:00:02Z"},
    },
    "isolation_segments": [
        {"name": "fast", **made(1), **labelled(speed="high")},
        {"name": "slow", **made(2), **labelled(speed="low")},
        {"name": "alone", **made(3)},
    ],
    "default_quota": made(9),
    "security_groups": [
        {"name": "dns", "running_default": True, "staging_default": True, **made(1)},
        {"name": "db", "running_spaces": ["acme/dev"], "staging_spaces": ["acme/dev"], **made(2)},
    ],
    "service_offerings": [
        {"name": "postgres", "tags": ["sql"], "plans": [{"name": "small"}, {"name": "large"}], **made(1)},
    ],
    "organizations": [
        {
            "name": "acme",
            "quota": {"total_memory_in_mb": 10240, **made(11)},
            "default_isolation_segment": "fast",
            **made(1),
            **labelled(env="prod"),
            "spaces": [
                {
                    "name": "dev",
                    "quota": {"total_instances": 20, **made(11)},
                    "isolation_segment": "fast",
                    **made(4),
                    **labelled(env="dev"),
                    "apps": [DORA, {"name": "blue", "guid": "blue", **made(4)}],
                    "service_instances": [
                        {"name": "orders", "plan": "postgres/small", **made(1), **labelled(env="dev")},
                        {"name": "mail", **made(2)},
                    ],
                },
                {
                    "name": "prod",
                    "quota": {"total_instances": 40, **made(12)},
                    **made(5),
                    "apps": [SHOP],
                    "service_instances": [{"name": "orders", "plan": "postgres/large", **made(3)}],
                },
            ],
        },
        {
            "name": "other",
            "quota": {"total_memory_in_mb": 4096, **made(12)},
            "isolation_segments": ["fast", "slow"],
            **made(2),
            **labelled(env="test"),
            "spaces": [
                {
                    "name": "far",
                    "quota": {"total_instances": 10, **made(13)},
                    **made(6),
                    "apps": [AWAY],
                    "service_instances": [{"name": "cache", **made(4)}],
                },
            ],
        },
        {"name": "plain", "isolation_segments": ["alone"], **made(3)},
    ],
    "users": [
        {
            "name": DEVELOPER,
            "organizations": {"acme": ["organization_user"]},
            "spaces": {"acme/dev": ["space_developer"], "acme/prod": ["space_auditor"]},
            **made(1),
            **labelled(team="one"),
        },
        {
            "name": AUDITOR,
            "organizations": {"acme": ["organization_user"], "plain": ["organization_auditor"]},
            "spaces": {"acme/dev": ["space_auditor"]},
            "origin": "ldap",
            **made(2),
            **labelled(team="two"),
        },
        {"name": STRANGER, **made(3)},
        {
            "name": "fred",
            "organizations": {"other": ["organization_manager"]},
            "spaces": {"other/far": ["space_developer"]},
            **made(4),
        },
        {"name": "gina", "organizations": {"plain": ["organization_manager"]}, **made(5)},
    ],
}
"""Where every list shows something else to each user, and no two resources are alike in what can be asked for."""


def deploy(app: str, **fields: Any) -> tuple[str, str, dict[str, Any]]:
    return "POST", "/v3/deployments", {"relationships": {"app": {"data": {"guid": app}}}, **fields}


HISTORY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "/v3/processes/dora-web/actions/scale", {"instances": 2}),
    deploy("blue", **labelled(tier="web")),
    ("PATCH", "/v3/apps/dora/processes/web", {"command": "puma"}),
    deploy("shop"),
    deploy("away", strategy="canary"),
    ("POST", "/v3/apps/away/actions/stop", {}),
)
"""What is done to this world, half a minute apart, so that there are deployments and events."""

SHOWN_TO_EVERYBODY = frozenset(
    {"listFeatureFlags", "listOrganizationQuotas", "listDomains", "listStacks", "listBuildpacks"}
)
"""Lists that show the same resources to each user."""

ALIKE: dict[str, frozenset[str]] = {
    "listDomains": frozenset({"created_at", "updated_at"}),
    "listOrganizationDomains": frozenset({"created_at", "updated_at"}),
    "listBuildpacks": frozenset({"created_at", "updated_at", "lifecycle"}),
}
"""By list: what all that it shows has in common, since no seed makes it."""


# The lists of the contract


@dataclass(frozen=True)
class ListOperation:
    """One operation of the contract that answers in pages.

    Attributes:
        parameters: of the query, by name, with their schemas.
    """

    name: str
    path: str
    parameters: dict[str, dict[str, Any]] = field(hash=False)

    def __str__(self) -> str:
        return self.name


@cache
def document() -> dict[str, Any]:
    return read_document(shipped.PLATFORM_CONTRACT_FILE)


def resolve(value: dict[str, Any]) -> dict[str, Any]:
    """What a reference of the contract stands for."""
    while "$ref" in value:
        found: Any = document()
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        value = found
    return value


def list_operations() -> Iterator[ListOperation]:
    for path, item in document()["paths"].items():
        if "get" not in item:
            continue
        operation = item["get"]
        content = resolve(operation["responses"]["200"]).get("content", {}).get("application/json", {})
        shown = resolve(content.get("schema", {})).get("properties", {})
        if not {"pagination", "resources"} <= shown.keys():
            continue
        if resolve(shown["resources"]).get("maxItems") == 0:  # there is nothing that its parameters could tell apart
            continue
        named = [resolve(each) for each in (*item.get("parameters", ()), *operation.get("parameters", ()))]
        parameters = {each["name"]: resolve(each["schema"]) for each in named if each["in"] == "query"}
        if "page" in parameters:
            yield ListOperation(operation["operationId"], path, parameters)


OPERATIONS = list(list_operations())


# What each parameter asks for


@dataclass
class Foundation:
    """A foundation that lists are asked in; nothing changes it, so what it showed is kept."""

    server: Serving
    name: str = "default"
    shown: dict[tuple[str, str, str], list[dict[str, Any]]] = field(default_factory=dict)

    def ask(self, path: str, query: str = "", actor: str = ADMIN) -> httpx.Response:
        headers = {"Authorization": f"bearer {actor}", "X-Mock-Foundation": self.name}
        answer = self.server.client.get(path + query, headers=headers)
        assert answer.status_code == 200, f"{path}{query} as {actor}: {answer.text}"
        return answer

    def show(self, path: str, query: str = "", actor: str = ADMIN) -> list[dict[str, Any]]:
        """All resources of a list, in order."""
        if (path, query, actor) not in self.shown:
            sign = "&" if query else "?"
            answer = self.ask(path, f"{query}{sign}per_page=5000", actor)
            text = answer.text.replace(f"/foundations/{self.name}", "")
            self.shown[path, query, actor] = json.loads(text)["resources"]
        return self.shown[path, query, actor]

    @cached_property
    def organization_of(self) -> dict[str, str]:
        """The guid of the organization of each space, by its guid."""
        return {each["guid"]: related(each, "organization") for each in self.show("/v3/spaces")}

    @cached_property
    def apps(self) -> dict[str, dict[str, Any]]:
        return {each["guid"]: each for each in self.show("/v3/apps")}

    def find_space(self, resource: dict[str, Any]) -> str:
        """The guid of the space of a resource, or of its app."""
        return related(resource, "space") or related(self.apps.get(related(resource, "app"), resource), "space")

    def find_organization(self, resource: dict[str, Any]) -> str:
        """The guid of the organization of a resource, or of its space."""
        return related(resource, "organization") or self.organization_of.get(self.find_space(resource), "")

    def is_current(self, droplet: dict[str, Any]) -> bool:
        return related(self.apps[related(droplet, "app")], "current_droplet") == str(droplet["guid"])

    @cached_property
    def organizations_of_segment(self) -> dict[str, list[str]]:
        segments = self.show("/v3/isolation_segments")
        paths = {each["guid"]: f"/v3/isolation_segments/{each['guid']}/organizations" for each in segments}
        return {guid: [each["guid"] for each in self.show(path)] for guid, path in paths.items()}

    @cached_property
    def event_targets(self) -> list[str]:
        return sorted({each["target"]["guid"] for each in self.show("/v3/audit_events")})

    @cached_property
    def plan_names(self) -> dict[str, str]:
        query = "?fields[service_plan]=guid,name"
        included = self.ask("/v3/service_instances", query).json()["included"]["service_plans"]
        return {each["guid"]: each["name"] for each in included}


def related(resource: dict[str, Any], name: str) -> str:
    """The guid of the one resource that another relates to; empty where it is none."""
    data = (resource["relationships"].get(name) or {}).get("data") or {}
    return str(data.get("guid", ""))


def all_related(resource: dict[str, Any], name: str) -> list[str]:
    return [each["guid"] for each in resource["relationships"][name]["data"]]


Values = Callable[[Foundation, dict[str, Any]], list[str]]
"""The values of a parameter that ask for a resource."""

NOBODY_HAS = "nobody-has-this"

RULES: dict[str, Values] = {
    "guids": lambda _, each: [each["guid"]],
    "names": lambda _, each: [each["name"]],
    "types": lambda _, each: [each["type"]],
    "type": lambda _, each: [each["type"]],
    "states": lambda _, each: [each["state"]],
    "versions": lambda _, each: [str(each["version"])],
    "sequence_ids": lambda _, each: [str(each["sequence_id"])],
    "label_selector": lambda _, each: [f"{key}={value}" for key, value in each["metadata"]["labels"].items()],
    "space_guids": lambda foundation, each: [foundation.find_space(each)],
    "organization_guids": lambda foundation, each: [foundation.find_organization(each)],
    "user_guids": lambda _, each: [related(each, "user")],
    "app_guids": lambda _, each: [related(each, "app")],
    "package_guids": lambda _, each: [each["package"]["guid"]],
    "domain_guids": lambda _, each: [related(each, "domain")],
    "hosts": lambda _, each: [each["host"]],
    "paths": lambda _, each: [each["path"]],
    "ports": lambda _, each: [str(each["port"] or "")],
    "stacks": lambda _, each: [each["lifecycle"]["data"].get("stack", "")],
    "lifecycle_type": lambda _, each: [each["lifecycle"]["type"]],
    "usernames": lambda _, each: [each["username"]],
    "partial_usernames": lambda _, each: [each["username"][:-1]],
    "service_plan_guids": lambda _, each: [related(each, "service_plan")],
    "service_plan_names": lambda foundation, each: [foundation.plan_names.get(related(each, "service_plan"), "")],
    "service_instance_guids": lambda _, __: [],
    "status_values": lambda _, each: [each["status"]["value"]],
    "status_reasons": lambda _, each: [each["status"]["reason"]],
    "target_guids": lambda _, each: [each["target"]["guid"]],
    "target_guids[not]": lambda foundation, each: [
        guid for guid in (*foundation.event_targets, NOBODY_HAS) if guid != each["target"]["guid"]
    ],
}
"""By the name of a parameter: what it means in every list that has no rule of its own."""

OWN_RULES: dict[tuple[str, str], Values] = {
    ("listOrganizationQuotas", "organization_guids"): lambda _, each: all_related(each, "organizations"),
    ("listSpaceQuotas", "space_guids"): lambda _, each: all_related(each, "spaces"),
    ("listIsolationSegments", "organization_guids"): lambda foundation, each: foundation.organizations_of_segment[
        each["guid"]
    ],
    ("listStacks", "default"): lambda _, each: [json.dumps(each["default"])],
    ("listBuildpacks", "stacks"): lambda _, each: [each["stack"]],
    ("listBuildpacks", "lifecycle"): lambda _, each: [each["lifecycle"]],
    ("listDeployments", "states"): lambda _, each: [each["status"]["reason"]],
    ("listAuditEvents", "space_guids"): lambda _, each: [each["space"]["guid"]],
    ("listAuditEvents", "organization_guids"): lambda _, each: [each["organization"]["guid"]],
    ("listRoles", "organization_guids"): lambda _, each: [related(each, "organization")],
    # All domains are shared: no organization owns one.
    ("listDomains", "organization_guids"): lambda _, __: [],
    ("listOrganizationDomains", "organization_guids"): lambda _, __: [],
    ("listRoutes", "app_guids"): lambda _, each: [to["app"]["guid"] for to in each["destinations"]],
    ("listDropletsForApp", "current"): lambda foundation, each: ["true"] * foundation.is_current(each),
}
"""By operation and parameter."""

UNTOLD: dict[tuple[str, str], tuple[str, Callable[[dict[str, Any]], str]]] = {
    ("listUsers", "origins"): ("partial_usernames=o,e,a,i", lambda each: str(each["origin"])),
}
"""Parameters that count only beside another one: that one, which lets everything through, and the rule."""

LONG_AGO, FAR_AHEAD = "1999-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
TIME = re.compile(r"(created|updated)_ats(?:\[(lt|lte|gt|gte)\])?")
COMPARE: dict[str | None, Callable[[str, str], bool]] = {
    None: lambda one, other: one == other,
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
}
SHOWING = re.compile(r"include|embed|fields\[.+\]")
NOT_MODELLED = frozenset({"route_policies"})
"""What is shown besides, and is always empty."""

PAGING = ("page", "per_page", "order_by")


@pytest.fixture(scope="module")
def foundation() -> Iterator[Foundation]:
    with serving(seed=WORLD) as server:
        server.freeze()
        for method, path, body in HISTORY:
            server.advance(30)
            answer = server.client.request(method, path, json=body)
            assert answer.is_success, answer.text
        yield Foundation(server)


@pytest.fixture(scope="module")
def imported(foundation: Foundation) -> Foundation:
    """Another foundation, of another random seed, that has read an export of the first."""
    server, calls = foundation.server, "/__mock/foundations"
    server.client.put(f"{calls}/imported?random_seed=99", json={}).raise_for_status()
    clock = server.service.registry.get_or_create("imported", real_now()).world.clock
    clock.virtual, clock.rate = server.service.registry.get_or_create("default", real_now()).world.clock.virtual, 0.0
    state = server.client.get(f"{calls}/default/state").json()
    server.client.put(f"{calls}/imported/state", json=state).raise_for_status()
    return Foundation(server, "imported")


def find_path(foundation: Foundation, operation: ListOperation) -> str:
    """The path of a list; of one that belongs to something, for that which has the most."""
    if "{guid}" not in operation.path:
        return operation.path
    owners = foundation.show(operation.path.partition("/{guid}")[0])
    paths = [operation.path.replace("{guid}", each["guid"]) for each in owners]
    return max(paths, key=lambda path: len(foundation.show(path)))


def identify(resources: list[dict[str, Any]]) -> list[str]:
    """The resources by their guid, or by their name where they have none."""
    return [each["guid"] if "guid" in each else each["name"] for each in resources]


def find_values(operation: ListOperation, parameter: str) -> Values:
    """The rule of a parameter; the test that asks for it fails where there is none."""
    rule = OWN_RULES.get((operation.name, parameter), RULES.get(parameter))
    assert rule is not None, (
        f"{operation.name} takes {parameter}, and tests/cloudfoundry/test_every_list.py does not know what that asks "
        "for: add a rule to RULES, or to OWN_RULES, which gives the values that ask for a resource as the list shows it"
    )
    return rule


def cases(*names: str) -> list[Any]:
    """Every operation with each of its parameters that is one of these, or, without names, that is a filter."""
    return [
        pytest.param(operation, parameter, id=f"{operation.name}-{parameter}")
        for operation in OPERATIONS
        for parameter in operation.parameters
        if (parameter in names if names else is_filter(parameter))
    ]


def is_filter(parameter: str) -> bool:
    return parameter not in PAGING and not TIME.fullmatch(parameter) and not SHOWING.fullmatch(parameter)


def test_the_contract_has_lists() -> None:
    """Nothing here is about nothing."""
    assert {"listOrganizations", "listSpaces", "listRoles"} <= {operation.name for operation in OPERATIONS}


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_user_sees_their_own(operation: ListOperation, foundation: Foundation) -> None:
    """Each user sees what the admin sees without what they may not see, and the stranger next to nothing."""
    path = find_path(foundation, operation)
    if "{guid}" in operation.path:
        return
    everything = identify(foundation.show(path))
    assert len(everything) > 1, f"WORLD has fewer than two that {operation.name} could show"
    shown = {actor: identify(foundation.show(path, actor=actor)) for actor in ACTORS[1:]}
    for actor, guids in shown.items():
        assert guids == [guid for guid in everything if guid in guids], actor
    if operation.name in SHOWN_TO_EVERYBODY:
        assert set(map(tuple, shown.values())) == {tuple(everything)}
    else:
        assert len(shown[STRANGER]) < len(shown[DEVELOPER]) < len(everything), operation
        assert shown[AUDITOR] != shown[DEVELOPER], f"WORLD does not tell the auditor from the developer: {operation}"


@pytest.mark.parametrize(("operation", "parameter"), cases())
def test_every_filter_lets_through_what_it_names(
    operation: ListOperation, parameter: str, foundation: Foundation
) -> None:
    """A filter shows just those that have what is asked for, of those that the user sees, in the same order."""
    path = find_path(foundation, operation)
    beside, values_of = "", find_untold(operation, parameter) or find_values(operation, parameter)
    if (operation.name, parameter) in UNTOLD:
        beside = f"&{UNTOLD[operation.name, parameter][0]}"
    everything = foundation.show(path)
    candidates = list(dict.fromkeys(value for each in everything for value in values_of(foundation, each) if value))
    candidates = [*list_words(operation.parameters[parameter]), *candidates[-3:]]
    assert candidates, f"WORLD has nothing for {parameter} of {operation.name} to ask for"
    actors = ACTORS if "{guid}" not in operation.path else (ADMIN,)
    changed = False
    for value in dict.fromkeys(candidates):
        for actor in actors:
            without = foundation.show(path, actor=actor)
            expected = [each for each in without if value in values_of(foundation, each)]
            query = f"?{quote(parameter)}={quote(value, safe='')}{beside}"
            shown = foundation.show(path, query, actor)
            assert identify(shown) == identify(expected), f"{parameter}={value} as {actor}"
            changed |= actor == ADMIN and len(shown) < len(everything)
    assert changed, f"{parameter} of {operation.name} changes nothing, whatever it asks for"


def list_words(schema: dict[str, Any]) -> list[str]:
    """All that a parameter may ask for; what nothing has, where that is any text."""
    items = resolve(schema.get("items", schema))
    if "enum" in items:
        return list(items["enum"])
    if items["type"] == "boolean":
        return ["true", "false"]
    return [NOBODY_HAS] if items["type"] == "string" and not {"pattern", "format"} & items.keys() else []


def find_untold(operation: ListOperation, parameter: str) -> Values | None:
    found = UNTOLD.get((operation.name, parameter))
    return None if found is None else (lambda _, each: [found[1](each)])


@pytest.mark.parametrize(
    ("operation", "parameter"),
    [
        pytest.param(operation, parameter, id=f"{operation.name}-{parameter}")
        for operation in OPERATIONS
        for parameter in operation.parameters
        if TIME.fullmatch(parameter)
    ],
)
def test_every_filter_by_time_compares(operation: ListOperation, parameter: str, foundation: Foundation) -> None:
    """A time is compared to the second with what the list shows; what was never set is at no time."""
    path = find_path(foundation, operation)
    matched = TIME.fullmatch(parameter)
    assert matched
    name, compare = f"{matched[1]}_at", COMPARE[matched[2]]
    everything = foundation.show(path)
    times = sorted({LONG_AGO, FAR_AHEAD, *(each[name] for each in everything if each[name] is not None)})
    changed = False
    for time in (times[len(times) // 2], FAR_AHEAD if matched[2] in ("gt", "gte") else LONG_AGO):
        for actor in ACTORS if "{guid}" not in operation.path else (ADMIN,):
            without = foundation.show(path, actor=actor)
            expected = [each for each in without if each[name] is not None and compare(each[name], time)]
            shown = foundation.show(path, f"?{quote(parameter)}={time}", actor)
            assert identify(shown) == identify(expected), f"{parameter}={time} as {actor}"
            changed |= actor == ADMIN and len(shown) < len(everything)
    assert changed


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_order_sorts(operation: ListOperation, foundation: Foundation) -> None:
    """Each order that is documented sorts, ties by guid, and a minus turns it around."""
    path = find_path(foundation, operation)
    pattern = operation.parameters["order_by"]["pattern"]
    matched = re.fullmatch(r"\^\[\+-\]\?\(?([a-z_|]+)\)?\$", pattern)
    assert matched, f"{operation.name}: {pattern}"
    everything = foundation.show(path)
    for name in matched[1].split("|"):
        if name not in ALIKE.get(operation.name, ()):
            assert len({each[name] for each in everything}) > 1, f"WORLD has one {name} for all that {operation} shows"
        for actor in ACTORS if "{guid}" not in operation.path else (ADMIN,):
            without = foundation.show(path, actor=actor)
            ascending = sorted(without, key=lambda each: (each[name], each.get("guid", "")))
            assert identify(foundation.show(path, f"?order_by={name}", actor)) == identify(ascending), (name, actor)
            assert identify(foundation.show(path, f"?order_by=%2B{name}", actor)) == identify(ascending), (name, actor)
            descending = identify(ascending)[::-1]
            assert identify(foundation.show(path, f"?order_by=-{name}", actor)) == descending, (name, actor)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_list_has_pages(operation: ListOperation, foundation: Foundation) -> None:
    """Pages of one, followed by their links, show each once, in the order of the whole."""
    path = find_path(foundation, operation)
    everything = foundation.show(path)
    assert len(everything) > 1, f"WORLD has fewer than two that {operation.name} could show"
    first = foundation.ask(path, "?per_page=1").json()
    found, page = [], first
    while True:
        assert page["pagination"]["total_results"] == page["pagination"]["total_pages"] == len(everything)
        found += page["resources"]
        if page["pagination"]["next"] is None:
            break
        link = urlsplit(page["pagination"]["next"]["href"])
        page = foundation.ask(link.path, f"?{link.query}").json()
    assert found == everything
    assert foundation.ask(path, "?per_page=1&page=2").json()["resources"] == everything[1:2]
    assert urlsplit(page["pagination"]["previous"]["href"]).path == urlsplit(first["pagination"]["first"]["href"]).path


@pytest.mark.parametrize(
    ("operation", "parameter"),
    [
        pytest.param(operation, parameter, id=f"{operation.name}-{parameter}")
        for operation in OPERATIONS
        for parameter in operation.parameters
        if SHOWING.fullmatch(parameter)
    ],
)
def test_everything_to_be_shown_besides_is_shown(
    operation: ListOperation, parameter: str, foundation: Foundation
) -> None:
    """Each value of include, embed or fields shows more, and leaves the resources what they are."""
    path = find_path(foundation, operation)
    plain = foundation.ask(path).json()
    values = operation.parameters[parameter]["items"]["enum"]
    for value in values:
        answer = foundation.ask(path, f"?{quote(parameter)}={value}").json()
        if parameter == "embed":
            assert all(value in each for each in answer["resources"]), value
            continue
        assert identify(answer["resources"]) == identify(plain["resources"])
        assert answer["included"], value
        empty = {key for key, found in answer["included"].items() if not found} - NOT_MODELLED
        assert not empty, f"{parameter}={value} shows nothing of {empty}"
        for actor in ACTORS[1:] if "{guid}" not in operation.path else ():
            own = foundation.ask(path, f"?{quote(parameter)}={value}", actor).json()
            assert identify(own["resources"]) == identify(foundation.show(path, actor=actor)), actor


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_list_is_the_same_after_an_import(
    operation: ListOperation, foundation: Foundation, imported: Foundation
) -> None:
    """Whatever a list shows is in an export, and another foundation that reads it shows the same."""
    path = find_path(foundation, operation)
    assert imported.show(path) == foundation.show(path)
