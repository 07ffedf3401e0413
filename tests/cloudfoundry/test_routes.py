"""Routes and domains, held row by row over HTTP."""

from typing import Any

import pytest

from mockfoundry.documents.problems import DocumentError
from tests.cloudfoundry.asking import Asking, bad_query, error, guids, not_found, unprocessable
from tests.cloudfoundry.parts_world import T1, T2, T3

EVERY = ["route-far", "route-dora", "route-shared", "route-tcp", "route-unmapped"]


def domain_guid(parts: Asking, name: str) -> str:
    (guid,) = guids(parts.ask("GET", f"/v3/domains?names={name}"))
    return guid


def test_a_route_is_shown_as_the_presenter_writes_it(parts: Asking) -> None:
    shown = parts.ask("GET", "/v3/routes/route-shared").json()
    base, domain = parts.server.url, domain_guid(parts, "apps.example.com")
    first, second = sorted(shown["destinations"], key=lambda each: each["app"]["guid"])

    assert list(shown) == [
        "guid",
        "created_at",
        "updated_at",
        "protocol",
        "host",
        "path",
        "port",
        "url",
        "destinations",
        "options",
        "metadata",
        "relationships",
        "links",
    ]
    assert shown == {
        "guid": "route-shared",
        "created_at": T2,
        "updated_at": T2,
        "protocol": "http",
        "host": "shared",
        "path": "/api",
        "port": None,
        "url": "shared.apps.example.com/api",
        "destinations": shown["destinations"],
        "options": {"loadbalancing": "least-connection"},
        "metadata": {"labels": {}, "annotations": {}},
        "relationships": {"space": {"data": {"guid": "dev"}}, "domain": {"data": {"guid": domain}}},
        "links": {
            "self": {"href": f"{base}/v3/routes/route-shared"},
            "space": {"href": f"{base}/v3/spaces/dev"},
            "destinations": {"href": f"{base}/v3/routes/route-shared/destinations"},
            "domain": {"href": f"{base}/v3/domains/{domain}"},
        },
    }
    assert [each["guid"] for each in shown["destinations"]] == sorted([first["guid"], second["guid"]])
    assert list(first) == ["guid", "app", "weight", "port", "protocol", "created_at", "updated_at"]
    assert first == {
        "guid": first["guid"],
        "app": {"guid": "dora", "process": {"type": "web"}},
        "weight": None,
        "port": 8080,
        "protocol": "http1",
        "created_at": T2,
        "updated_at": T2,
    }
    assert second["app"] == {"guid": "idle", "process": {"type": "worker"}}


def test_a_tcp_route_has_a_port_in_place_of_a_host(parts: Asking) -> None:
    shown = parts.ask("GET", "/v3/routes/route-tcp").json()
    assert (shown["protocol"], shown["host"], shown["port"], shown["url"]) == (
        "tcp",
        "",
        1024,
        "tcp.example.com:1024",
    )
    assert "options" not in shown
    (destination,) = shown["destinations"]
    assert (destination["port"], destination["protocol"], destination["weight"]) == (9000, "tcp", 5)


URLS = {"route-dora": "dora.apps.example.com", "route-unmapped": "private.example.com"}


@pytest.mark.parametrize("guid", URLS)
def test_the_url_of_a_route_is_its_host_and_its_domain(parts: Asking, guid: str) -> None:
    assert parts.ask("GET", f"/v3/routes/{guid}").json()["url"] == URLS[guid]


FILTERS = {
    "all of them": ("", EVERY),
    "hosts": ("hosts=dora,far", ["route-far", "route-dora"]),
    "paths": ("paths=/api", ["route-shared"]),
    "no path": ("paths=", ["route-far", "route-dora", "route-tcp", "route-unmapped"]),
    "ports": ("ports=1024,9", ["route-tcp"]),
    "spaces": ("space_guids=far", ["route-far"]),
    "organizations": ("organization_guids=acme", EVERY[1:]),
    "apps": ("app_guids=idle", ["route-shared"]),
    "guids": ("guids=route-tcp,x", ["route-tcp"]),
    "labels": ("label_selector=env=prod", ["route-dora"]),
    "service instances": ("service_instance_guids=any", []),
    "times": (f"created_ats[gt]={T1}&created_ats[lt]={T3}", ["route-shared"]),
    "the newest first": ("order_by=-created_at&hosts=dora,shared", ["route-shared", "route-dora"]),
}


@pytest.mark.parametrize("row", FILTERS)
def test_routes_are_filtered(parts: Asking, row: str) -> None:
    query, expected = FILTERS[row]
    shown = guids(parts.ask("GET", f"/v3/routes?{query}"))
    assert (shown if "order" in query else sorted(shown)) == (expected if "order" in query else sorted(expected))


def test_routes_are_filtered_by_domain(parts: Asking) -> None:
    guid = domain_guid(parts, "tcp.example.com")
    assert guids(parts.ask("GET", f"/v3/routes?domain_guids={guid}")) == ["route-tcp"]


READERS = {
    "admin": EVERY,
    "global_auditor": EVERY,
    "developer": EVERY[1:],
    "auditor": EVERY[1:],
    "org_manager": EVERY[1:],
    "org_auditor": EVERY[1:],
    "far_developer": ["route-far"],
    "org_user": [],
    "billing": [],
    "stranger": [],
}


@pytest.mark.parametrize("actor", READERS)
def test_each_role_reads_the_routes_that_the_table_says(parts: Asking, actor: str) -> None:
    readable = READERS[actor]
    assert sorted(guids(parts.ask("GET", "/v3/routes", actor=actor))) == sorted(readable)
    for path in ("", "/destinations"):
        answer = parts.ask("GET", f"/v3/routes/route-dora{path}", actor=actor)
        if "route-dora" in readable:
            assert answer.status_code == 200
        else:
            assert error(answer) == not_found("Route")


def test_an_auditor_of_the_organization_reads_routes_but_not_those_of_an_app(parts: Asking) -> None:
    assert error(parts.ask("GET", "/v3/apps/dora/routes", actor="org_auditor")) == not_found("App")


def test_the_routes_of_an_app_repeat_its_guid_in_links(parts: Asking) -> None:
    answer = parts.ask("GET", "/v3/apps/dora/routes?include=domain").json()
    assert [each["guid"] for each in answer["resources"]] == ["route-dora", "route-shared", "route-tcp"]
    assert "included" not in answer
    assert answer["pagination"]["first"]["href"] == (
        f"{parts.server.url}/v3/apps/dora/routes?app_guids=dora&include=domain&page=1&per_page=50"
    )
    assert guids(parts.ask("GET", "/v3/apps/bare/routes")) == []
    assert error(parts.ask("GET", "/v3/apps/nope/routes")) == not_found("App")
    assert error(parts.ask("GET", "/v3/apps/nope/routes?page=0")) == bad_query("Page must be a positive integer")


def test_routes_include_domains_spaces_and_organizations(parts: Asking) -> None:
    everything = "domain,space.organization,route_policies"
    included = parts.ask("GET", f"/v3/routes?include={everything}").json()["included"]
    assert list(included) == ["domains", "spaces", "organizations", "route_policies"]
    assert [each["name"] for each in included["domains"]] == [
        "apps.example.com",
        "private.example.com",
        "tcp.example.com",
    ]
    assert sorted(each["guid"] for each in included["spaces"]) == ["dev", "far"]
    assert sorted(each["guid"] for each in included["organizations"]) == ["acme", "other"]
    assert included["route_policies"] == []
    one = parts.ask("GET", "/v3/routes/route-dora?include=space").json()
    assert list(one)[-1] == "included"
    assert [each["guid"] for each in one["included"]["spaces"]] == ["dev"]


def test_a_space_that_the_reader_may_not_read_is_not_included(parts: Asking) -> None:
    shown = parts.ask("GET", "/v3/routes/route-dora?include=space,space.organization", actor="org_auditor").json()
    assert shown["included"]["spaces"] == []
    assert [each["guid"] for each in shown["included"]["organizations"]] == ["acme"]


INVALID = (
    "Invalid included resource: 'x'. "
    "Valid included resources are: 'domain', 'space', 'space.organization', 'route_policies'"
)
VALID = (
    "'page', 'per_page', 'order_by', 'created_ats', 'updated_ats', 'guids', 'hosts', 'space_guids', "
    "'organization_guids', 'domain_guids', 'paths', 'app_guids', 'include', 'label_selector', 'ports', "
    "'service_instance_guids'"
)

REFUSALS: dict[str, tuple[str, Any]] = {
    "unknown parameters and what is included": (
        "/v3/routes?a=1&include=x",
        bad_query(f"Unknown query parameter(s): 'a'. Valid parameters are: {VALID}, {INVALID}"),
    ),
    "lists with keys, hosts first": (
        "/v3/routes?ports[a]=1&hosts[a]=1",
        bad_query("Hosts must be an array, Ports must be an array"),
    ),
    "twice included": (
        "/v3/routes?include=space,space",
        bad_query("Duplicate included resource: 'space'"),
    ),
    "one route: 422, before the route": (
        "/v3/routes/nope?b=1&include=x",
        unprocessable(f"Unknown query parameter(s): 'b'. Valid parameters are: 'guid', 'include', {INVALID}"),
    ),
    "its destinations: 422, before the route": (
        "/v3/routes/nope/destinations?b=1",
        unprocessable("Unknown query parameter(s): 'b'. Valid parameters are: 'guids', 'app_guids'"),
    ),
    "no such route": ("/v3/routes/nope", not_found("Route")),
    "no destinations of no route": ("/v3/routes/nope/destinations", not_found("Route")),
    "no such domain": ("/v3/domains/nope?x=1", not_found("Domain")),
    "domains name guids twice": (
        "/v3/domains?x=1",
        bad_query(
            "Unknown query parameter(s): 'x'. Valid parameters are: 'page', 'per_page', 'order_by', 'created_ats', "
            "'updated_ats', 'guids', 'names', 'guids', 'organization_guids', 'label_selector'"
        ),
    ),
}


@pytest.mark.parametrize("row", REFUSALS)
def test_a_read_is_refused_in_the_cloud_controllers_words(parts: Asking, row: str) -> None:
    path, expected = REFUSALS[row]
    assert error(parts.ask("GET", path)) == expected


def test_destinations_are_filtered_by_guid_and_by_app(parts: Asking) -> None:
    path = "/v3/routes/route-shared/destinations"
    whole = parts.ask("GET", path).json()
    assert list(whole) == ["destinations", "links"]
    assert whole["links"] == {
        "self": {"href": f"{parts.server.url}{path}"},
        "route": {"href": f"{parts.server.url}/v3/routes/route-shared"},
    }
    (idle,) = parts.ask("GET", f"{path}?app_guids=idle").json()["destinations"]
    assert idle["app"]["guid"] == "idle"
    assert parts.ask("GET", f"{path}?guids={idle['guid']}").json()["destinations"] == [idle]
    assert parts.ask("GET", f"{path}?guids={idle['guid']}&app_guids=dora").json()["destinations"] == []


def test_domains_are_those_of_routes_and_a_default_one(parts: Asking) -> None:
    names = [each["name"] for each in parts.ask("GET", "/v3/domains", actor="stranger").json()["resources"]]
    assert names == ["apps.example.com", "private.example.com", "tcp.example.com"]


def test_a_domain_is_shown_as_the_presenter_writes_it(parts: Asking) -> None:
    guid = domain_guid(parts, "tcp.example.com")
    shown = parts.ask("GET", f"/v3/domains/{guid}").json()
    url = f"{parts.server.url}/v3/domains/{guid}"
    group = shown["router_group"]["guid"]
    assert list(shown) == [
        "guid",
        "created_at",
        "updated_at",
        "name",
        "internal",
        "router_group",
        "supported_protocols",
        "relationships",
        "metadata",
        "links",
    ]
    assert (shown["name"], shown["internal"], shown["supported_protocols"]) == ("tcp.example.com", False, ["tcp"])
    assert shown["relationships"] == {"organization": {"data": None}, "shared_organizations": {"data": []}}
    assert shown["links"] == {
        "self": {"href": url},
        "route_reservations": {"href": f"{url}/route_reservations"},
        "router_group": {"href": f"{parts.server.url}/routing/v1/router_groups/{group}"},
    }
    plain = parts.ask("GET", f"/v3/domains/{domain_guid(parts, 'apps.example.com')}").json()
    assert (plain["router_group"], plain["supported_protocols"]) == (None, ["http"])
    assert "router_group" not in plain["links"]


DOMAIN_FILTERS = {
    "names=private.example.com,x": ["private.example.com"],
    "organization_guids=acme": [],
    "label_selector=env": [],
    "order_by=-created_at&per_page=1&names=apps.example.com": ["apps.example.com"],
}


@pytest.mark.parametrize("query", DOMAIN_FILTERS)
def test_domains_are_filtered(parts: Asking, query: str) -> None:
    shown = parts.ask("GET", f"/v3/domains?{query}").json()["resources"]
    assert [each["name"] for each in shown] == DOMAIN_FILTERS[query]


def test_a_label_selector_that_routes_cannot_read_is_500(parts: Asking) -> None:
    answer = parts.ask("GET", "/v3/routes?label_selector=a b")
    assert (answer.status_code, answer.json()["errors"][0]["title"]) == (500, "UnknownError")


def test_no_service_is_bound_to_a_route(parts: Asking) -> None:
    """`cf routes` asks for the bindings of all that it lists."""
    query = "?include=service_instance&route_guids=route-dora"
    answer = parts.ask("GET", f"/v3/service_route_bindings{query}").json()
    assert (answer["resources"], answer["included"]) == ([], {"service_instances": []})
    assert error(parts.ask("GET", "/v3/service_route_bindings?include=x")) == bad_query(
        "Invalid included resource: 'x'. Valid included resources are: 'route', 'service_instance'"
    )


def test_a_domain_with_a_port_among_its_routes_is_one_of_tcp(foundation: Asking) -> None:
    foundation.given_space(
        routes=[{"port": 1234, "domain": "tcp.example.com"}, {"host": "x", "domain": "b.example.com"}]
    )
    domains = foundation.ask("GET", "/v3/domains").json()["resources"]
    assert {each["name"]: each["supported_protocols"] for each in domains} == {
        "apps.example.com": ["http"],
        "b.example.com": ["http"],
        "tcp.example.com": ["tcp"],
    }


HTTP, TCP = {"host": "x", "domain": "own.example.com"}, {"port": 1234, "domain": "own.example.com"}
MIXED_DOMAINS = {
    "a port after none": (
        (HTTP, TCP),
        "Routes with protocol 'http' do not support ports. own.example.com has a route without a port; "
        "name another domain",
    ),
    "none after a port": (
        (TCP, HTTP),
        "Routes with protocol 'tcp' must specify a port. own.example.com has a route with a port; name another domain",
    ),
}


@pytest.mark.parametrize("together", [True, False], ids=["together", "one by one"])
@pytest.mark.parametrize("row", MIXED_DOMAINS)
def test_a_domain_has_routes_of_one_protocol(row: str, together: bool, foundation: Asking) -> None:
    """In one document, and in one that changes a world which has the other protocol's."""
    (first, second), told = MIXED_DOMAINS[row]
    if not together:
        foundation.given_space(routes=[first])
    with pytest.raises(DocumentError) as caught:
        foundation.given_space(routes=[first, second] if together else [second])
    assert str(caught.value).endswith(f"domain: {told}")


UNSUPPORTED = {
    "host": ({**TCP, "host": "x"}, "host: Hosts are not supported for TCP routes. Leave out host or port"),
    "path": ({**TCP, "path": "/x"}, "path: Paths are not supported for TCP routes. Leave out path or port"),
    "port": (
        {"port": 1234},
        "port: Routes with protocol 'http' do not support ports. apps.example.com is of http; name another domain",
    ),
}


@pytest.mark.parametrize("row", UNSUPPORTED)
def test_a_route_has_what_its_protocol_has(row: str, foundation: Asking) -> None:
    route, told = UNSUPPORTED[row]
    with pytest.raises(DocumentError) as caught:
        foundation.given_space(routes=[route])
    assert str(caught.value).endswith(told)
