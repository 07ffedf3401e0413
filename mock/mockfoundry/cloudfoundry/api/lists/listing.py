"""Lists: rows of any resource filtered, sorted and in pages, as the resource declares it. Never changes anything.

Source: cloud_controller_ng, app/fetchers/base_list_fetcher.rb, app/presenters/v3/paginated_list_presenter.rb and
lib/cloud_controller/paging/.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from mockfoundry.cloudfoundry.api.lists.queries import ListForm, ListQuery
from mockfoundry.cloudfoundry.api.messages import refuse_unexpected
from mockfoundry.cloudfoundry.api.presenters import present_page
from mockfoundry.cloudfoundry.api.request import MAX_STEPS_AT_ONCE, ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

RowT = TypeVar("RowT")


class ListReading(NamedTuple):
    """One reading of a list: of which world, by whom, and what is asked."""

    world: World
    actor: User
    request: ApiRequest
    query: ListQuery


Narrow = Callable[[World, list[RowT], tuple[str, ...]], list[RowT]]
"""A filter: the rows that have one of the values asked for."""


class Inclusion(msgspec.Struct, Generic[RowT], frozen=True):
    """What a list shows besides its resources.

    Attributes:
        key: under `included`.
        asked_by: the values of `include` that ask for it.
        present: the included resources of the rows of one page, each once.
    """

    key: str
    asked_by: tuple[str, ...]
    present: Callable[[ListReading, list[RowT]], list[dict[str, Any]]]


def keep_rows(_: ListReading, rows: Collection[RowT]) -> Collection[RowT]:
    """The rows as they are."""
    return rows


def include_nothing(_: ListReading, __: list[RowT]) -> dict[str, list[dict[str, Any]]]:
    """No fields of related resources."""
    return {}


class Listing(msgspec.Struct, Generic[RowT], frozen=True, kw_only=True):
    """A list of resources: what may be asked of it, and how it is answered.

    A row has a field for each order that can be asked for, `created_at` and `updated_at` in microseconds, and `labels`
    where a label selector is allowed.

    Attributes:
        noun: of many resources, for X-Mock-Why.
        present: the rows of one page as JSON.
        filters: one for each own parameter of the form that narrows the list; `guids` has one already.
        inclusions: in the order in which they are shown.
        include_fields: what `fields` shows of what the rows of a page relate to, under `included`.
        read: what the reader sees of the rows, before they are filtered.
        identity: the field that breaks ties of an order, and that `guids` names.
        default_order: the field that sorts the list where no order is asked for; equals keep their places.
        counts_beyond_end: whether a page past the end still tells how many there are.
    """

    noun: str
    form: ListForm
    present: Callable[[ListReading, list[RowT]], list[Any]]
    filters: Mapping[str, Narrow[RowT]] = {}
    inclusions: tuple[Inclusion[RowT], ...] = ()
    include_fields: Callable[[ListReading, list[RowT]], dict[str, list[dict[str, Any]]]] = include_nothing
    read: Callable[[ListReading, Collection[RowT]], Collection[RowT]] = keep_rows
    identity: str = "guid"
    default_order: str = "created_at"
    counts_beyond_end: bool = False


# Filters


def keep_by(value_of: Callable[[World, RowT], str | None]) -> Narrow[RowT]:
    """A filter that keeps the rows whose value is asked for."""

    def narrow(world: World, rows: list[RowT], values: tuple[str, ...]) -> list[RowT]:
        wanted = frozenset(values)
        return [row for row in rows if value_of(world, row) in wanted]

    return narrow


def keep_by_name(name_of: Callable[[World, RowT], str]) -> Narrow[RowT]:
    """A filter that keeps the rows whose name is asked for, whatever its case, as the database compares it.

    Source: cloud_controller_ng, lib/vcap/sequel_case_insensitive_string_monkeypatch.rb and the migrations that use it.
    """

    def narrow(world: World, rows: list[RowT], values: tuple[str, ...]) -> list[RowT]:
        wanted = frozenset(value.lower() for value in values)
        return [row for row in rows if name_of(world, row).lower() in wanted]

    return narrow


def keep_by_any(values_of: Callable[[World, RowT], Collection[str]]) -> Narrow[RowT]:
    """A filter that keeps the rows that have at least one value that is asked for."""

    def narrow(world: World, rows: list[RowT], values: tuple[str, ...]) -> list[RowT]:
        wanted = frozenset(values)
        return [row for row in rows if not wanted.isdisjoint(values_of(world, row))]

    return narrow


def drop_by(value_of: Callable[[World, RowT], str | None]) -> Narrow[RowT]:
    """A filter that keeps the rows whose value is not named."""

    def narrow(world: World, rows: list[RowT], values: tuple[str, ...]) -> list[RowT]:
        unwanted = frozenset(values)
        return [row for row in rows if value_of(world, row) not in unwanted]

    return narrow


# Pages


def list_page(
    reading: ListReading,
    listing: Listing[RowT],
    rows: Collection[RowT],
    path: str,
    in_order: bool = False,
    may_refuse: bool = False,
) -> ApiResponse | LateResponse:
    """One page of the rows that a query asks for.

    Args:
        rows: all that the actor may read.
        path: of the list: `/v3/apps`.
        in_order: whether they are in their default order already.
        may_refuse: whether presenting them may be refused, so that it can't be left for later.

    Raises:
        Refusal: 500, if a time that is filtered by is none.
    """
    query = reading.query
    spans = tuple(read_time_spans(query)) if query.timestamp_filters else ()  # 500
    if may_refuse or count_list_steps(query, len(rows), in_order) <= MAX_STEPS_AT_ONCE:
        return make_page(reading, listing, rows, path, in_order, spans)
    later = reading._replace(world=reading.world.copy())
    return LateResponse(partial(make_page, later, listing, rows, path, in_order, spans))


TimeSpans = tuple[str, list[tuple[int, int]]]
"""A field, and the first and the last moment of each span that its value may be in."""


def make_page(
    reading: ListReading,
    listing: Listing[RowT],
    rows: Collection[RowT],
    path: str,
    in_order: bool,
    spans: tuple[TimeSpans, ...],
) -> ApiResponse:
    """One page, from a world that nothing writes to meanwhile.

    Args:
        spans: what the query's timestamp filters allow.
    """
    query, request = reading.query, reading.request
    rows = listing.read(reading, rows)
    if query.filters or spans or query.label_requirements:
        rows = filter_rows(reading, listing, list(rows), spans)
    if query.order or not in_order:
        rows = sort_rows(rows, query, listing)
    first, end = (min(number * query.per_page, len(rows)) for number in (query.page - 1, query.page))
    shown = list(islice(rows, first, end))
    # The Cloud Controller reads the total of most lists from the page, and so finds none on an empty one.
    total = len(rows) if shown or listing.counts_beyond_end else 0
    resources = listing.present(reading, shown)
    body = present_page(resources, total, query.page, query.per_page, request.base + path, query.link_parameters)
    if query.include:
        body["included"] = {
            each.key: each.present(reading, shown)
            for each in listing.inclusions
            if not frozenset(query.include).isdisjoint(each.asked_by)
        }
    if query.fields and (included := listing.include_fields(reading, shown)):
        body["included"] = {**body.get("included", {}), **included}
    why = f"world: {len(shown)} of {len(rows)} {listing.noun} listed"
    return ApiResponse(200, body, why, tolerated_violations=request.violations)


def count_list_steps(query: ListQuery, count: int, in_order: bool) -> int:
    """How many rows are shown, of so many; to look at ten for one filter counts as much as to show one."""
    looks = len(query.filters) + 3 * len(query.timestamp_filters) + 3 * len(query.label_requirements)
    steps_to_sort = 0 if in_order and not query.order else count // 50
    steps_to_show = min(query.per_page, count) * (1 + len(query.embed) + len(query.include))
    return steps_to_show + steps_to_sort + looks * count // 10


def filter_rows(
    reading: ListReading, listing: Listing[RowT], rows: list[RowT], spans: tuple[TimeSpans, ...]
) -> list[RowT]:
    """The rows that meet every filter and label requirement of a query.

    Args:
        spans: what its timestamp filters allow.
    """
    for name, values in reading.query.filters.items():
        if name == "guids" and name not in listing.filters:
            wanted, identity = frozenset(values), attrgetter(listing.identity)
            rows = [row for row in rows if identity(row) in wanted]
        else:
            rows = listing.filters[name](reading.world, rows, values)
    for field, allowed in spans:
        value_of = attrgetter(field)
        rows = [
            row
            for row in rows
            if (moment := value_of(row)) is not None and any(low <= moment <= high for low, high in allowed)
        ]
    requirements = reading.query.label_requirements
    if requirements:
        labels_of = attrgetter("labels")
        rows = [row for row in rows if all(each.is_met_by(labels_of(row)) for each in requirements)]
    return rows


def sort_rows(rows: Collection[RowT], query: ListQuery, listing: Listing[RowT]) -> list[RowT]:
    """The rows in the order that a query asks for, else in the list's own; the database compares names without case."""
    if query.order == "name":
        name_of, identity_of = attrgetter("name"), attrgetter(listing.identity)
        return sorted(rows, key=lambda row: (name_of(row).lower(), identity_of(row)), reverse=query.descending)
    if query.order:
        return sorted(rows, key=attrgetter(query.order, listing.identity), reverse=query.descending)
    return sorted(rows, key=attrgetter(listing.default_order))


# Filters by time

WITHIN_SECOND = SECOND - 1
"""A timestamp in a filter means the whole second that begins with it."""

LONG_AGO, FAR_FUTURE = -(1 << 62), 1 << 62

_TIME_SPANS: Mapping[str, Callable[[int], tuple[int, int]]] = {
    "lt": lambda moment: (LONG_AGO, moment - 1),
    "lte": lambda moment: (LONG_AGO, moment + WITHIN_SECOND),
    "gt": lambda moment: (moment + WITHIN_SECOND + 1, FAR_FUTURE),
    "gte": lambda moment: (moment, FAR_FUTURE),
}
"""By relational operator: the first and the last moment that it allows."""


def read_time_spans(query: ListQuery) -> Iterator[TimeSpans]:
    """The field of each timestamp filter and the spans that its value may be in; any one of them is enough."""
    for name, timestamps in query.timestamp_filters.items():
        field = "created_at" if name == "created_ats" else "updated_at"
        if isinstance(timestamps, list):
            yield field, [((moment := parse_filter_timestamp(text)), moment + WITHIN_SECOND) for text in timestamps]
            continue
        for operator, text in timestamps.items():
            yield field, [_TIME_SPANS[operator](parse_filter_timestamp(text))]


def parse_filter_timestamp(text: str) -> int:
    """A timestamp of the right form in microseconds; as in Ruby, a day too many is the next month's first.

    Raises:
        Refusal: 500, if it is not a time.
    """
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    late = hour == 24 and (minute or second)
    if not 1 <= month <= 12 or not 1 <= day <= 31 or hour > 24 or late or minute > 59 or second > 60 or year < 1:
        raise refuse_unexpected(f"the time {text}")
    first = datetime(year, month, 1, tzinfo=UTC)
    span = timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)
    since = first - datetime(1970, 1, 1, tzinfo=UTC) + span
    return (since.days * 86_400 + since.seconds) * SECOND
