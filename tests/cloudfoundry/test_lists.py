"""Lists: which processes are in them, in which order, on which page, and what is said of a bad query.

Source: app/messages/list_message.rb, processes_list_message.rb, app/fetchers/process_list_fetcher.rb,
base_list_fetcher.rb, label_selector_query_generator.rb and app/presenters/v3/paginated_list_presenter.rb.
"""

from typing import Any

import pytest

from tests.cloudfoundry.asking import FAILS, Asking, bad_query, error, guids, not_found
from tests.serving import Serving, serving

VALID = (
    "'page', 'per_page', 'order_by', 'created_ats', 'updated_ats', 'guids', 'app_guid', 'types', 'space_guids', "
    "'organization_guids', 'app_guids', 'embed', 'label_selector'"
)
FORMAT = "has an invalid timestamp format. Timestamps should be formatted as 'YYYY-MM-DDThh:mm:ssZ'"
MOST_LONG = 9_223_372_036_854_775_807
EMBED = "Valid embedded resources are: 'process_instances'"

LISTED: list[tuple[str, str, str, str, dict[str, str]]] = [
    ("a", "2020-01-01T00:00:00Z", "2020-03-01T00:00:00Z", "web", {"env": "prod", "tier": "gold"}),
    ("b", "2020-01-02T00:00:00.5Z", "2020-02-01T00:00:00Z", "worker", {"env": "test"}),
    ("c", "2020-01-03T00:00:00Z", "2020-01-04T00:00:00Z", "x,y", {"x.y/env": "prod", "empty": ""}),
    ("d", "2020-01-03T00:00:00Z", "2020-01-05T00:00:00Z", "clock", {}),
]
"""Processes of one app: guid, created_at, updated_at, type and labels; a fifth, e, is in another organization."""


def process(guid: str, created: str, updated: str, kind: str, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "guid": guid,
        "type": kind,
        "created_at": created,
        "updated_at": updated,
        "instances": 1,
        "metadata": {"labels": labels},
    }


SEED = {
    "organizations": [
        {
            "name": "one",
            "guid": "one",
            "spaces": [
                {
                    "name": "s",
                    "guid": "s",
                    "apps": [{"name": "app", "guid": "app", "processes": [process(*each) for each in LISTED]}],
                }
            ],
        },
        {
            "name": "two",
            "guid": "two",
            "spaces": [
                {
                    "name": "t",
                    "guid": "t",
                    "apps": [
                        {
                            "name": "late",
                            "guid": "late",
                            "processes": [process("e", "2020-01-06T12:34:56Z", "2020-01-06T00:00:00Z", "web", {})],
                        }
                    ],
                }
            ],
        },
    ]
}


@pytest.fixture(scope="module")
def rich_server() -> Any:
    with serving(seed=SEED) as server:
        yield server


FOUND: dict[str, tuple[str, str]] = {
    "everything, oldest first": ("", "abcde"),
    "by guid": ("?guids=b,d,nothing", "bd"),
    "by guid with blanks after the commas": ("?guids=b,%20d", "bd"),
    "by type": ("?types=web", "ae"),
    "by a type with a comma, encoded twice": ("?types=x%252Cy", "c"),
    "by an empty type": ("?types=", ""),
    "by a bracketed type, which is nothing": ("?types%5B%5D=web", ""),
    "of a repeated parameter the last counts": ("?types=web&types=worker", "b"),
    "by app": ("?app_guids=late", "e"),
    "by space": ("?space_guids=s,u", "abcd"),
    "by organization": ("?organization_guids=two", "e"),
    "filters are joined by and": ("?types=web&organization_guids=one", "a"),
    "by the second of creation": ("?created_ats=2020-01-02T00:00:00Z", "b"),
    "by several seconds of creation": ("?created_ats=2020-01-01T00:00:00Z,2020-01-06T12:34:56Z", "ae"),
    "created before": ("?created_ats%5Blt%5D=2020-01-02T00:00:00Z", "a"),
    "created until": ("?created_ats%5Blte%5D=2020-01-02T00:00:00Z", "ab"),
    "created after": ("?created_ats%5Bgt%5D=2020-01-02T00:00:00Z", "cde"),
    "created from": ("?created_ats%5Bgte%5D=2020-01-02T00:00:00Z", "bcde"),
    "created between": (
        "?created_ats%5Bgt%5D=2020-01-01T00:00:00Z&created_ats%5Blt%5D=2020-01-06T00:00:00Z",
        "bcd",
    ),
    "updated before": ("?updated_ats%5Blt%5D=2020-01-06T00:00:00Z", "cd"),
    "a day that goes over": ("?updated_ats=2020-02-30T00:00:00Z", "a"),
    "by a second of its minute": ("?created_ats=2020-01-06T12:34:56Z", "e"),
    "created until a second of its minute": ("?created_ats%5Blte%5D=2020-01-06T12:34:55Z", "abcd"),
    "created on a last day or a first": (
        "?created_ats=2019-12-31T23:59:59Z,0001-01-01T00:00:00Z",
        "",
    ),
    "an hour that goes over": ("?created_ats=2020-01-02T24:00:00Z", "cd"),
    "a second that goes over": ("?created_ats=2020-01-02T23:59:60Z", "cd"),
    "in the order of creation": ("?order_by=created_at", "abcde"),
    "in the order of creation, backwards": ("?order_by=-created_at", "edcba"),
    "in the order of the last change": ("?order_by=%2Bupdated_at", "cdeba"),
    "an empty order is none": ("?order_by=", "abcde"),
    "the first page": ("?per_page=2", "ab"),
    "the last page": ("?per_page=2&page=3", "e"),
    "the most a page": ("?per_page=5000", "abcde"),
    "the farthest page": (f"?page={MOST_LONG}&per_page=1", ""),
    "beyond the last page": ("?per_page=2&page=4", ""),
    "a page with words behind its number": ("?per_page=2abc&page=2.9", "cd"),
    "a page with a sign": ("?per_page=%2B2&page=%202", "cd"),
    "label: equals": ("?label_selector=env%3Dprod", "a"),
    "label: equals, in two signs": ("?label_selector=env%3D%3Dprod", "a"),
    "label: equals nothing finds nothing": ("?label_selector=empty%3D", ""),
    "label: is not": ("?label_selector=env!%3Dprod", "bcde"),
    "label: is not nothing finds everything": ("?label_selector=env!%3D", "abcde"),
    "label: is one of": ("?label_selector=env%20in%20(prod,test)", "ab"),
    "label: is one of none": ("?label_selector=env%20in%20()", ""),
    "label: is none of": ("?label_selector=env%20notin%20(prod,test)", "cde"),
    "label: is there": ("?label_selector=env", "ab"),
    "label: is not there": ("?label_selector=!env", "cde"),
    "label: with a prefix": ("?label_selector=x.y/env%3Dprod", "c"),
    "label: requirements are joined by and": ("?label_selector=env,!tier", "b"),
    "label: the most requirements": (f"?label_selector={','.join(['!x'] * 50)}", "abcde"),
    "label: blank ends of the values are skipped": ("?label_selector=env%20in%20(prod,,)", "a"),
    "label: empty requirements are skipped": ("?label_selector=,env,,tier,", "a"),
}
"""A query, and the guids that it finds in order."""


@pytest.mark.parametrize("row", FOUND)
def test_lists_hold_what_was_asked_for_in_order(row: str, foundation: Asking) -> None:
    query, found = FOUND[row]
    answer = foundation.list(query)
    assert answer.status_code == 200, answer.text
    assert "".join(guids(answer)) == found


REFUSED: dict[str, tuple[str, str]] = {
    "page zero": ("?page=0", "Page must be a positive integer"),
    "a negative page": ("?page=-1", "Page must be a positive integer"),
    "a page in words": ("?page=abc", "Page must be a positive integer"),
    "an empty page": ("?page=", "Page must be a positive integer"),
    "no results a page": ("?per_page=0", "Per page must be a positive integer"),
    "too many results a page": ("?per_page=5001", "Per page must be between 1 and 5000"),
    "a page too far": (
        f"?page={MOST_LONG}",
        f"Maximum result (page * per_page) must be less than {MOST_LONG}",
    ),
    "an unknown order": ("?order_by=name", "Order by can only be: 'created_at', 'updated_at'"),
    "a plus that is a blank": ("?order_by=+created_at", "Order by can only be: 'created_at', 'updated_at'"),
    "a timestamp without a time": ("?created_ats=2020-01-01", f"Created ats {FORMAT}"),
    "an empty timestamp": ("?updated_ats=", f"Updated ats {FORMAT}"),
    "two bad timestamps": ("?created_ats=x,y", f"Created ats {FORMAT}, Created ats {FORMAT}"),
    "a bad timestamp with an operator": ("?created_ats%5Blt%5D=x", f"Created ats {FORMAT}"),
    "an unknown operator": (
        "?updated_ats%5Bfoo%5D=2020-01-01T00:00:00Z",
        "Updated ats Invalid relational operator: 'foo'",
    ),
    "an unknown operator and a bad timestamp": (
        "?updated_ats%5Bfoo%5D=x",
        f"Updated ats Invalid relational operator: 'foo', Updated ats {FORMAT}",
    ),
    "two timestamps with an operator": (
        "?created_ats%5Blt%5D=2020-01-01T00:00:00Z,2020-01-02T00:00:00Z",
        "Created ats only accepts one value when using a relational operator",
    ),
    "guids with a key": ("?guids%5Ba%5D=1", "Guids must be an array"),
    "spaces with a key": ("?space_guids%5Ba%5D=1", "Space guids must be an array"),
    "an empty selector": ("?label_selector=", "Missing label_selector value"),
    "a selector of commas": ("?label_selector=,,", "Missing label_selector value"),
    "too many requirements": (
        f"?label_selector={','.join('a' * 51)}",
        "Too many label_selector requirements (maximum is 50)",
    ),
    "a selector with blanks": ("?label_selector=a%20%3D%20b", "Invalid label_selector value"),
    "a selector without a blank": ("?label_selector=a%20in(b)", "Invalid label_selector value"),
    "a selector in capitals": ("?label_selector=a%20IN%20(b)", "Invalid label_selector value"),
    "a selector with a blank after the exclamation mark": ("?label_selector=!%20a", "Invalid label_selector value"),
    "a selector with two blanks": ("?label_selector=a%20%20in%20(b)", "'a ' contains invalid characters"),
    "a selector with a blank in its values": ("?label_selector=a%20in%20(b,%20c)", "' c' contains invalid characters"),
    "a selector with three equal signs": ("?label_selector=a%3D%3D%3Db", "'=b' contains invalid characters"),
    "a selector with a bad prefix": ("?label_selector=x/y", "prefix 'x' must be in valid dns format"),
    "a selector with a bad key": ("?label_selector=-a", "'-a' starts or ends with invalid characters"),
    "two bad requirements": (
        "?label_selector=x/y,a%3D%3D%3Db",
        "prefix 'x' must be in valid dns format, '=b' contains invalid characters",
    ),
    "unknown parameters": ("?foo=1&bar=2", f"Unknown query parameter(s): 'foo', 'bar'. Valid parameters are: {VALID}"),
    "unknown parameters with a key": (
        "?foo%5Bx%5D=1",
        f"Unknown query parameter(s): 'foo'. Valid parameters are: {VALID}",
    ),
    "an unknown embed": ("?embed=x", f"Invalid embedded resource: 'x'. {EMBED}"),
    "an empty embed": ("?embed=", f"Invalid embedded resource: ''. {EMBED}"),
    "an embed twice": (
        "?embed=process_instances,process_instances",
        "Duplicate embedded resource: 'process_instances'",
    ),
    "an embed three times": (
        "?embed=process_instances,process_instances,process_instances",
        "Duplicate embedded resource: 'process_instances'",
    ),
    "all at once, in the message's order": (
        "?embed=x&foo=1&label_selector=&guids%5Ba%5D=1&updated_ats=x&created_ats=x&order_by=x&per_page=0&page=0"
        "&app_guids%5Ba%5D=1",
        "Page must be a positive integer, Per page must be a positive integer, "
        f"Order by can only be: 'created_at', 'updated_at', Created ats {FORMAT}, Updated ats {FORMAT}, "
        "Guids must be an array, Missing label_selector value, "
        f"Unknown query parameter(s): 'foo'. Valid parameters are: {VALID}, "
        f"Invalid embedded resource: 'x'. {EMBED}, App guids must be an array",
    ),
}
"""A query, and what is wrong with it."""


@pytest.mark.parametrize("row", REFUSED)
def test_bad_queries_are_refused_in_the_real_words(row: str, foundation: Asking) -> None:
    query, detail = REFUSED[row]
    assert error(foundation.list(query)) == bad_query(detail)


FAILING = {
    "a page with a key": "?page%5Ba%5D=1",
    "an order with brackets": "?order_by%5B%5D=x",
    "a selector with brackets": "?label_selector%5B%5D=a",
    "a month that there is not": "?created_ats=2020-13-01T00:00:00Z",
    "a month zero": "?created_ats=2020-00-01T00:00:00Z",
    "an hour that there is not": "?created_ats=2020-01-01T25:00:00Z",
    "a minute after midnight": "?created_ats=2020-01-01T24:01:00Z",
    "a second after midnight": "?created_ats=2020-01-01T24:00:01Z",
    "a day that there is not": "?created_ats=2020-01-00T00:00:00Z",
    "a day too many": "?created_ats=2020-01-32T00:00:00Z",
    "a minute that there is not": "?created_ats%5Blt%5D=2020-01-01T00:60:00Z",
    "a second that there is not": "?created_ats=2020-01-01T00:00:61Z",
    "a year zero": "?created_ats=0000-01-01T00:00:00Z",
}


@pytest.mark.parametrize("row", FAILING)
def test_queries_that_fail_in_the_real_code_are_500(row: str, foundation: Asking) -> None:
    assert error(foundation.list(FAILING[row])) == FAILS


LINKS: dict[str, tuple[str, str, dict[str, str | None]]] = {
    "none given": ("/v3/processes", "", {"first": "page=1&per_page=50", "next": None, "previous": None}),
    "of a page in the middle": (
        "/v3/processes",
        "?per_page=2&page=2",
        {
            "first": "page=1&per_page=2",
            "last": "page=3&per_page=2",
            "next": "page=3&per_page=2",
            "previous": "page=1&per_page=2",
        },
    ),
    "an order without a sign gets one": (
        "/v3/processes",
        "?order_by=created_at",
        {"first": "order_by=%2Bcreated_at&page=1&per_page=50"},
    ),
    "an order with a sign keeps it": (
        "/v3/processes",
        "?order_by=-updated_at",
        {"first": "order_by=-updated_at&page=1&per_page=50"},
    ),
    "filters are kept, sorted and encoded": (
        "/v3/processes",
        "?types=web,%20x%252Cy&label_selector=env%20in%20(prod)&created_ats%5Bgt%5D=2020-01-01T00:00:00Z&guids=c",
        {
            "first": "created_ats%5Bgt%5D=2020-01-01T00%3A00%3A00Z&guids=c&label_selector=env+in+%28prod%29&page=1"
            "&per_page=50&types=web%2Cx%252Cy"
        },
    ),
    "embed is kept": (
        "/v3/processes",
        "?embed=process_instances",
        {"first": "embed=process_instances&page=1&per_page=50"},
    ),
    "of a page that holds everything": (
        "/v3/processes",
        "?per_page=5",
        {"last": "page=1&per_page=5", "next": None, "previous": None},
    ),
    "of the last of full pages": (
        "/v3/apps/app/processes",
        "?per_page=2&page=2",
        {"last": "page=2&per_page=2", "next": None, "previous": "page=1&per_page=2"},
    ),
    "of an app": ("/v3/apps/app/processes", "?per_page=3", {"next": "page=2&per_page=3"}),
}
"""A list, its query, and the queries of its links."""


@pytest.mark.parametrize("row", LINKS)
def test_links_keep_the_query(row: str, foundation: Asking) -> None:
    path, query, links = LINKS[row]
    pagination = foundation.ask("GET", path + query).json()["pagination"]
    for name, expected in links.items():
        link = pagination[name]
        assert link is None if expected is None else link["href"] == f"{foundation.server.url}{path}?{expected}"


def test_beyond_the_last_page_the_real_one_counts_nothing(foundation: Asking) -> None:
    pagination = foundation.list("?per_page=2&page=9").json()["pagination"]
    assert (pagination["total_results"], pagination["total_pages"]) == (0, 1)
    assert pagination["last"]["href"].endswith("?page=1&per_page=2")
    assert pagination["next"] is None
    assert pagination["previous"]["href"].endswith("?page=8&per_page=2")


def test_links_can_be_followed_to_every_process(foundation: Asking) -> None:
    seen: list[str] = []
    url = f"{foundation.server.url}/v3/processes?per_page=2&order_by=-updated_at"
    while url:
        page = foundation.ask("GET", url)
        seen += guids(page)
        url = (page.json()["pagination"]["next"] or {}).get("href", "")
    assert "".join(seen) == "abedc"


NESTED: dict[str, tuple[str, str]] = {
    "a space": ("?space_guids=s", "Unknown query parameter(s): 'space_guids'"),
    "all owners, though empty": (
        "?space_guids=&organization_guids=&app_guids=",
        "Unknown query parameter(s): 'app_guids', 'organization_guids', 'space_guids'",
    ),
    "an unknown parameter": ("?foo=1", f"Unknown query parameter(s): 'foo'. Valid parameters are: {VALID}"),
}


@pytest.mark.parametrize("row", NESTED)
def test_a_list_of_an_app_takes_no_owners(row: str, foundation: Asking) -> None:
    query, detail = NESTED[row]
    assert error(foundation.ask("GET", f"/v3/apps/app/processes{query}")) == bad_query(detail)


def test_a_list_of_an_app_holds_its_processes_only(foundation: Asking) -> None:
    assert "".join(guids(foundation.ask("GET", "/v3/apps/app/processes"))) == "abcd"
    assert "".join(guids(foundation.ask("GET", "/v3/apps/app/processes?types=worker"))) == "b"
    assert error(foundation.ask("GET", "/v3/apps/nothing/processes")) == not_found("App")


def test_an_app_guid_in_the_query_makes_a_list_one_of_that_app(foundation: Asking) -> None:
    answer = foundation.list("?app_guid=late")
    assert guids(answer) == ["e"]
    assert answer.json()["pagination"]["first"]["href"].endswith("/v3/apps/late/processes?page=1&per_page=50")
    assert error(foundation.list("?app_guid=nothing", documented=False)) == not_found("App")


def test_embedded_instances_stand_before_the_relationships(foundation: Asking) -> None:
    for answer in (
        foundation.list("?embed=process_instances&guids=a"),
        foundation.ask("GET", "/v3/processes/a?embed=process_instances"),
    ):
        body = answer.json()
        shown = body["resources"][0] if "resources" in body else body
        assert [(each["index"], each["state"]) for each in shown["process_instances"]] == [(0, "RUNNING")]
        keys = list(shown)
        assert keys[keys.index("process_instances") + 1] == "relationships"


SHOW: dict[str, tuple[str, str]] = {
    "unknown parameters of one process": (
        "?foo=1&page=2",
        "Unknown query parameter(s): 'foo', 'page'. Valid parameters are: 'embed'",
    ),
    "an unknown embed of one process": ("?embed=x", f"Invalid embedded resource: 'x'. {EMBED}"),
}


@pytest.mark.parametrize("row", SHOW)
def test_bad_queries_of_one_process_are_refused(row: str, foundation: Asking) -> None:
    query, detail = SHOW[row]
    for path in ("/v3/processes/a", "/v3/apps/app/processes/web"):
        assert error(foundation.ask("GET", path + query)) == bad_query(detail)


def test_stats_and_instances_ignore_their_query(foundation: Asking) -> None:
    for tail in ("stats", "process_instances"):
        answer = foundation.ask("GET", f"/v3/processes/a/{tail}?foo=1")
        assert answer.status_code == 200
        assert "foo" in answer.headers["X-Mock-Contract"]


def test_strict_mode_refuses_a_query_that_the_contract_does_not_allow(serve: Any) -> None:
    server: Serving = serve(seed=SEED, strict=True)
    assert server.client.get("/v3/processes/a/stats?foo=1").status_code == 400
    assert server.client.get("/v3/processes?order_by=").status_code == 400


def test_an_app_that_is_added_with_an_old_date_sorts_first(foundation: Asking) -> None:
    newcomer = {
        "name": "newcomer",
        "processes": [{"type": "web", "guid": "z", "created_at": "2019-01-01T00:00:00Z"}],
    }
    foundation.given(organizations=[{"name": "one", "spaces": [{"name": "s", "apps": [newcomer]}]}])
    assert guids(foundation.list())[0] == "z"
