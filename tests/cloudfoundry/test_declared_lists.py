"""Lists of any resource: what a declaration says is what its list does, in the Cloud Controller's words.

Source: app/messages/list_message.rb, base_message.rb, validators.rb, app/presenters/v3/paginated_list_presenter.rb and
lib/cloud_controller/paging/. The resource here is made up, so that each rule of the declaration shows by itself.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockfoundry.cloudfoundry import api
from mockfoundry.cloudfoundry.api.lists.listing import (
    Inclusion,
    Listing,
    ListReading,
    drop_by,
    keep_by,
    keep_by_any,
    list_page,
)
from mockfoundry.cloudfoundry.api.lists.parameters import Parameters
from mockfoundry.cloudfoundry.api.lists.queries import COMMON_ORDERS, ListForm, read_list_query, read_shown
from mockfoundry.cloudfoundry.api.lists.query_checks import (
    check_absent,
    check_arrays,
    check_choice,
    check_fields,
    check_included,
    check_not_filtered,
)
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import ANY_ADMIN
from mockfoundry.cloudfoundry.errors import UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.seeds.build import build_world

SECOND = 1_000_000
WORLD = build_world({"organizations": []}, 1, 0)


class Boat(msgspec.Struct, frozen=True, kw_only=True):
    guid: str
    name: str
    created_at: int
    updated_at: int | None
    kind: str = "sail"
    owners: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}


BOATS = [
    Boat(guid="a", name="Ida", created_at=3 * SECOND, updated_at=9 * SECOND, owners=("ann", "ben")),
    Boat(guid="b", name="Eva", created_at=1 * SECOND, updated_at=None, kind="motor", labels={"env": "prod"}),
    Boat(guid="c", name="Ida", created_at=2 * SECOND, updated_at=8 * SECOND, owners=("ben",)),
]


def find_kinds_errors(parameters: Parameters) -> Iterator[str]:
    value = parameters.get("kinds")
    if isinstance(value, dict) and "not" not in value:
        yield "Kinds has an invalid operator"


def present_boats(_: ListReading, boats: list[Boat]) -> list[dict[str, Any]]:
    return [{"guid": boat.guid} for boat in boats]


def present_owners(_: ListReading, boats: list[Boat]) -> list[dict[str, Any]]:
    return [{"name": name} for name in sorted({name for boat in boats for name in boat.owners})]


FORM = ListForm(
    own=("names", "owners", "kinds", "kind", "include", "fields", "harbour_guid", "label_selector"),
    arrays=("names", "owners", "kinds"),
    keyed={"kinds": ("not",)},
    ignored=("harbour_guid",),
    orders=(*COMMON_ORDERS, "name"),
    checks=(
        check_included("owner", "owner.family"),
        check_choice("kind", ("sail", "motor"), "Invalid kind: '{}'"),
        check_arrays("names", "owners"),
        find_kinds_errors,
        check_fields({"owner": ("name", "guid")}),
    ),
)

LISTING: Listing[Boat] = Listing(
    noun="boats",
    form=FORM,
    filters={
        "names": keep_by(lambda _, boat: boat.name),
        "owners": keep_by_any(lambda _, boat: boat.owners),
        "kinds": keep_by(lambda _, boat: boat.kind),
        "kinds[not]": drop_by(lambda _, boat: boat.kind),
        "kind": keep_by(lambda _, boat: boat.kind),
    },
    inclusions=(
        Inclusion("owners", ("owner", "owner.family"), present_owners),
        Inclusion("families", ("owner.family",), lambda _, __: [{"name": "sailors"}]),
    ),
    present=present_boats,
)


def ask(query: str, listing: Listing[Boat] = LISTING, boats: list[Boat] = BOATS, **path: str) -> ApiResponse:
    """What the list answers to a query."""
    asked: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        asked.setdefault(name, []).append(value)
    request = ApiRequest(path={}, query=asked, body=None, violations=(), now=0, base="http://mock")
    reading = ListReading(WORLD, ANY_ADMIN, request, read_list_query(request, listing.form, path))
    answer = list_page(reading, listing, boats, "/v3/boats")
    return answer.make() if isinstance(answer, LateResponse) else answer


def guids(answer: ApiResponse) -> str:
    return "".join(each["guid"] for each in answer.body["resources"])


def first_link(answer: ApiResponse) -> str:
    """The query of the link to the first page."""
    href: str = answer.body["pagination"]["first"]["href"]
    assert href.startswith("http://mock/v3/boats?")
    return urlsplit(href).query


def with_form(**changes: Any) -> Listing[Boat]:
    """The list with another form."""
    return msgspec.structs.replace(LISTING, form=msgspec.structs.replace(FORM, **changes))


FOUND: dict[str, tuple[str, str]] = {
    "everything, oldest first": ("", "bca"),
    "by name": ("names=Ida", "ca"),
    "by one of several names": ("names=Ida,Eva", "bca"),
    "by an empty name": ("names=", ""),
    "by guid": ("guids=a,b", "ba"),
    "by any of its values": ("owners=ann,nobody", "a"),
    "by a text": ("kind=motor", "b"),
    "by an array that may have keys": ("kinds=sail", "ca"),
    "by what it is not": ("kinds[not]=sail", "b"),
    "by none of what it is not": ("kinds[not]=sail,motor", ""),
    "filters are joined by and": ("names=Ida&owners=ben&kind=sail&created_ats[lt]=1970-01-01T00:00:03Z", "c"),
    "by label": ("label_selector=env=prod", "b"),
    "by a time that some never had": ("updated_ats[gt]=1970-01-01T00:00:01Z", "ca"),
    "by a field of its own, equals by guid": ("order_by=name", "bac"),
    "backwards, equals by guid backwards": ("order_by=-name", "cab"),
    "an ignored parameter": ("harbour_guid=x", "bca"),
}
"""A query, and the guids that it finds in order."""


@pytest.mark.parametrize("row", FOUND)
def test_a_list_filters_and_sorts_as_it_declares(row: str) -> None:
    query, found = FOUND[row]
    assert guids(ask(query)) == found


REFUSED: dict[str, tuple[str, str]] = {
    "an unknown order": ("order_by=kind", "Order by can only be: 'created_at', 'updated_at', 'name'"),
    "an unknown parameter": (
        "foo=1",
        "Unknown query parameter(s): 'foo'. Valid parameters are: 'page', 'per_page', 'order_by', 'created_ats', "
        "'updated_ats', 'guids', 'names', 'owners', 'kinds', 'kind', 'include', 'fields', 'harbour_guid', "
        "'label_selector'",
    ),
    "an unknown inclusion": (
        "include=x",
        "Invalid included resource: 'x'. Valid included resources are: 'owner', 'owner.family'",
    ),
    "an inclusion twice": ("include=owner,owner", "Duplicate included resource: 'owner'"),
    "a choice that there is not": ("kind=steam", "Invalid kind: 'steam'"),
    "an unknown operator of its own": ("kinds[like]=x", "Kinds has an invalid operator"),
    "fields without a resource": ("fields=x", "Fields must be an object"),
    "fields of an unknown resource": ("fields[crew]=name", "Fields [crew] valid resources are: 'owner'"),
    "an unknown field": ("fields[owner]=age,name", "Fields valid keys for 'owner' are: 'name', 'guid'"),
    "in the order of the declaration": (
        "names[a]=1&kind=steam&include=owner,owner&label_selector=&order_by=x",
        "Order by can only be: 'created_at', 'updated_at', 'name', Missing label_selector value, "
        "Duplicate included resource: 'owner', Invalid kind: 'steam', Names must be an array",
    ),
}
"""A query, and what is wrong with it."""


@pytest.mark.parametrize("row", REFUSED)
def test_a_bad_query_is_refused_in_the_words_of_the_declaration(row: str) -> None:
    query, detail = REFUSED[row]
    with pytest.raises(Refusal) as refused:
        ask(query)
    assert (refused.value.entry.status, refused.value.detail) == (400, f"The query parameter is invalid: {detail}")


OTHER_FORMS: dict[str, tuple[Listing[Boat], str, str]] = {
    "another entry of the catalogue": (with_form(entry=UNPROCESSABLE_ENTITY), "kind=x", "Invalid kind: 'x'"),
    "a common filter that is not allowed": (
        with_form(entry=UNPROCESSABLE_ENTITY, checks=(check_not_filtered("created_ats"),)),
        "created_ats=1970-01-01T00:00:00Z",
        "Filtering by 'created_ats' is not allowed on this resource.",
    ),
    "parameters of another list of the resource": (
        with_form(entry=UNPROCESSABLE_ENTITY, checks=(check_absent("owners", "names"),)),
        "names=a&owners=b",
        "Unknown query parameter(s): 'owners', 'names'",
    ),
}


@pytest.mark.parametrize("row", OTHER_FORMS)
def test_a_form_may_refuse_with_its_own_entry_and_checks(row: str) -> None:
    listing, query, detail = OTHER_FORMS[row]
    with pytest.raises(Refusal) as refused:
        ask(query, listing)
    assert (refused.value.entry, refused.value.detail) == (UNPROCESSABLE_ENTITY, detail)


def test_a_selector_that_nobody_checks_fails_where_it_cannot_be_read() -> None:
    listing = with_form(checks_selector=False)
    with pytest.raises(Refusal) as refused:
        ask("label_selector=a = b", listing)
    assert refused.value.entry.status == 500
    assert guids(ask("label_selector=env in (prod)", listing)) == "b"
    assert guids(ask("label_selector=", listing)) == "bca"


LINKS: dict[str, tuple[Listing[Boat], str, str]] = {
    "none given": (LISTING, "", "page=1&per_page=50"),
    "an ignored parameter is left out": (LISTING, "harbour_guid=x&names=Ida,Eva", "names=Ida%2CEva&page=1&per_page=50"),
    "keys of its own are lists": (
        LISTING,
        "kinds[not]=sail,motor",
        "kinds%5Bnot%5D%5B%5D=sail&kinds%5Bnot%5D%5B%5D=motor&page=1&per_page=50",
    ),
    "fields are texts": (
        LISTING,
        "fields[owner]=name, guid",
        "fields%5Bowner%5D=name%2Cguid&page=1&per_page=50",
    ),
    "an implied order is told": (
        with_form(implied_order="created_at"),
        "",
        "order_by=%2Bcreated_at&page=1&per_page=50",
    ),
    "a given order wins": (
        with_form(implied_order="created_at"),
        "order_by=-name",
        "order_by=-name&page=1&per_page=50",
    ),
    "parameters that links do not repeat": (
        with_form(unlinked=("guids", "created_ats")),
        "guids=a&created_ats[gt]=1970-01-01T00:00:00Z",
        "page=1&per_page=50",
    ),
}


@pytest.mark.parametrize("row", LINKS)
def test_links_repeat_what_the_declaration_says(row: str) -> None:
    listing, query, link = LINKS[row]
    assert first_link(ask(query, listing)) == link


def test_a_parameter_that_the_path_decides_wins_over_the_query() -> None:
    answer = ask("names=Eva", names="Ida")
    assert (guids(answer), first_link(answer)) == ("ca", "names=Ida&page=1&per_page=50")


def test_what_is_included_follows_the_resources_in_the_declared_order() -> None:
    answer = ask("include=owner.family,owner&names=Ida&per_page=1")
    assert list(answer.body) == ["pagination", "resources", "included"]
    assert list(answer.body["included"]) == ["owners", "families"]
    assert answer.body["included"]["owners"] == [{"name": "ben"}]
    assert ask("include=owner&guids=none").body["included"] == {"owners": []}
    assert "included" not in ask("names=Ida").body


PAST_THE_END: dict[str, tuple[bool, tuple[int, int]]] = {"of the page": (False, (0, 1)), "of all": (True, (3, 2))}


@pytest.mark.parametrize("row", PAST_THE_END)
def test_past_the_end_a_list_counts_what_its_paginator_counts(row: str) -> None:
    counts_all, expected = PAST_THE_END[row]
    answer = ask("page=9&per_page=2", msgspec.structs.replace(LISTING, counts_beyond_end=counts_all))
    pagination = answer.body["pagination"]
    assert (pagination["total_results"], pagination["total_pages"]) == expected
    assert pagination["previous"]["href"].endswith("page=8&per_page=2")


def test_a_list_may_be_sorted_and_named_by_another_field() -> None:
    listing = msgspec.structs.replace(LISTING, identity="name", default_order="name")
    assert guids(ask("", listing)) == "bac"
    assert guids(ask("guids=Eva", listing)) == "b"


def test_a_filter_of_its_own_for_guids_wins() -> None:
    filters: Mapping[str, Callable[..., list[Boat]]] = {"guids": lambda _, boats, __: boats}
    assert guids(ask("guids=a", msgspec.structs.replace(LISTING, filters=filters))) == "bca"


@given(
    moments=st.lists(st.integers(0, 4), max_size=30),
    per_page=st.integers(1, 7),
    order=st.sampled_from(["", "created_at", "-created_at", "updated_at", "-name"]),
)
def test_every_row_is_on_exactly_one_page(moments: list[int], per_page: int, order: str) -> None:
    """However many rows are equal, the pages that links lead to hold each once, in the order of one large page."""
    boats = [
        Boat(guid=f"{number:02}", name=str(moment), created_at=moment, updated_at=moment)
        for number, moment in enumerate(moments)
    ]
    seen: list[str] = []
    query = f"per_page={per_page}&order_by={order}"
    while query:
        answer = ask(query, boats=boats)
        seen += [each["guid"] for each in answer.body["resources"]]
        query = urlsplit((answer.body["pagination"]["next"] or {"href": ""})["href"]).query
    assert seen == [each["guid"] for each in ask(f"per_page=5000&order_by={order}", boats=boats).body["resources"]]
    assert sorted(seen) == [boat.guid for boat in boats]


def test_a_large_list_is_made_beside_the_exchanges() -> None:
    boats = [Boat(guid=f"{number:05}", name="x", created_at=number, updated_at=number) for number in range(60_000)]
    request = ApiRequest(path={}, query={"names": ["x"]}, body=None, violations=(), now=0, base="http://mock")
    reading = ListReading(WORLD, ANY_ADMIN, request, read_list_query(request, FORM))
    answer = list_page(reading, LISTING, boats, "/v3/boats")
    assert isinstance(answer, LateResponse)
    assert answer.make().why == "world: 50 of 60000 boats listed"
    assert isinstance(list_page(reading, LISTING, boats, "/v3/boats", may_refuse=True), ApiResponse)


def test_one_resource_takes_nothing_but_what_it_is_shown_with() -> None:
    def read(**query: list[str]) -> tuple[str, ...]:
        request = ApiRequest(path={}, query=query, body=None, violations=(), now=0, base="http://mock")
        return read_shown(request, "include", ("space", "org"))

    assert read() == ()
    assert read(include=["org,space"]) == ("org", "space")
    with pytest.raises(
        Refusal, match=r"Unknown query parameter\(s\): 'page'. Valid parameters are: 'include', Invalid"
    ):
        read(page=["1"], include=["x"])


def find_listings() -> dict[str, Listing[Any]]:
    """Every list that the Cloud Controller's API declares, by the place of its declaration."""
    found = {"boats": LISTING}
    for module in pkgutil.walk_packages(api.__path__, f"{api.__name__}."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Listing):
                found.setdefault(f"{module.name.removeprefix(f'{api.__name__}.')}.{name}", value)
    return found


LISTINGS = find_listings()


@pytest.mark.parametrize("name", LISTINGS)
def test_no_parameter_of_a_list_is_without_effect_in_silence(name: str) -> None:
    """What a form names narrows the list, decides what is shown, or is said to be ignored; no filter is unnamed."""
    listing = LISTINGS[name]
    form = listing.form
    shown = {"include", "embed", "fields", "label_selector"}
    filters = {each.partition("[")[0] for each in listing.filters}
    assert set(form.own) - shown - set(form.ignored) <= filters
    assert filters <= {*form.own, "guids"}
    assert {*form.arrays, *form.ignored} <= set(form.own)
    assert set(form.keyed) <= set(form.arrays)
    assert len(set(form.own)) == len(form.own)
