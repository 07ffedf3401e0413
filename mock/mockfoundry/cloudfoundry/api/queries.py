"""Queries: the parameters of a list as the Cloud Controller reads them, and what it says of those it does not take.

Source: cloud_controller_ng, app/messages/list_message.rb, processes_list_message.rb, process_show_message.rb and
base_message.rb. Changes nothing.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from mockfoundry.cloudfoundry.api.messages import (
    describe_violations,
    parse_leading_integer,
    quote_values,
    refuse_unexpected,
)
from mockfoundry.cloudfoundry.api.metadata import LabelRequirement, find_selector_errors, parse_label_selector
from mockfoundry.cloudfoundry.api.request import ApiRequest
from mockfoundry.cloudfoundry.errors import BAD_QUERY_PARAMETER, Refusal, refuse
from mockfoundry.cloudfoundry.model import LARGEST_LONG

DEFAULT_PAGE = 1
DEFAULT_PER_PAGE = 50
MAX_PER_PAGE = 5000

LIST_PARAMETERS = (
    "page",
    "per_page",
    "order_by",
    "created_ats",
    "updated_ats",
    "guids",
    "app_guid",
    "types",
    "space_guids",
    "organization_guids",
    "app_guids",
    "embed",
    "label_selector",
)
"""In the order in which the real one names them."""

EMBEDDED_RESOURCES = ("process_instances",)
ARRAY_PARAMETERS = (
    "created_ats",
    "updated_ats",
    "guids",
    "types",
    "space_guids",
    "organization_guids",
    "app_guids",
    "embed",
)
RELATIONAL_OPERATORS = ("lt", "gt", "lte", "gte")

_NESTED_NAME = re.compile(r"([^\[\]]+)\[([^\]]*)\].*", re.DOTALL)
_ORDER = re.compile(r"([+-]?)(created_at|updated_at)")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\n?")

QueryValue = str | list[str] | dict[str, str]
"""What a query holds under one name: text, a list of texts, or a mapping (`created_ats[lt]=…`)."""


class ListQuery(NamedTuple):
    """What a list was asked for.

    Attributes:
        order: `created_at` or `updated_at`, empty for the order of creation.
        filters: `guids`, `types` and the owners, each with what is looked for.
        timestamp_filters: `created_ats` and `updated_ats`: texts, or texts by operator.
        kept: the parameters that links to other pages keep, by encoded name.
    """

    page: int
    per_page: int
    order: str
    descending: bool
    filters: Mapping[str, tuple[str, ...]]
    timestamp_filters: Mapping[str, list[str] | dict[str, str]]
    label_requirements: tuple[LabelRequirement, ...]
    embed: bool
    kept: Mapping[str, str]


DEFAULT_LIST_QUERY = ListQuery(DEFAULT_PAGE, DEFAULT_PER_PAGE, "", False, {}, {}, (), False, {})


def read_list_query(call: ApiRequest, nested: bool) -> ListQuery:
    """What a list was asked for.

    Args:
        nested: whether it is that of an app, which takes no filters by owner.

    Raises:
        Refusal: 400, with everything that is wrong; 500 where the real one fails on the shape of it.
    """
    if not call.query:
        return DEFAULT_LIST_QUERY
    given = parse_query_parameters(call.query)
    found = parse_label_selector(read_text_parameter(given, "label_selector") or "")
    faults = [
        *find_page_errors(given),
        *find_order_errors(given),
        *find_timestamp_errors(given, "created_ats"),
        *find_timestamp_errors(given, "updated_ats"),
        *find_array_errors(given, "guids"),
        *(find_selector_errors(found) if "label_selector" in given else ()),
        *find_unknown_parameter_errors(given, LIST_PARAMETERS),
        *find_embed_errors(given),
        *(
            fault
            for name in ("space_guids", "organization_guids", "app_guids")
            for fault in find_array_errors(given, name)
        ),
    ]
    owners = [name for name in ("app_guids", "organization_guids", "space_guids") if name in given]
    if nested and owners:
        faults.append(f"Unknown query parameter(s): {quote_values(owners)}")
    if faults:
        raise refuse_query(call, faults)
    enforce_query_contract(call)
    sign, order = ("", "")
    if (text := read_text_parameter(given, "order_by")) and (matched := _ORDER.fullmatch(text)):
        sign, order = matched.groups()
    return ListQuery(
        page=parse_leading_integer(read_text_parameter(given, "page") or str(DEFAULT_PAGE)),
        per_page=parse_leading_integer(read_text_parameter(given, "per_page") or str(DEFAULT_PER_PAGE)),
        order=order,
        descending=sign == "-",
        filters={
            name: tuple(value) for name, value in given.items() if name in FILTER_PARAMETERS and isinstance(value, list)
        },
        timestamp_filters={
            name: value
            for name, value in given.items()
            if name in ("created_ats", "updated_ats") and not isinstance(value, str)
        },
        label_requirements=tuple(each for each in found if each is not None),
        embed="embed" in given,
        kept=collect_link_parameters(given, f"{sign or '+'}{order}" if order else ""),
    )


FILTER_PARAMETERS = ("guids", "types", "app_guids", "space_guids", "organization_guids")


def read_embed(call: ApiRequest) -> bool:
    """Whether the instances are to be shown inside of a process.

    Raises:
        Refusal: 400, with everything that is wrong.
    """
    given = parse_query_parameters(call.query)
    faults = [*find_unknown_parameter_errors(given, ("embed",)), *find_embed_errors(given)]
    if faults:
        raise refuse_query(call, faults)
    enforce_query_contract(call)
    return "embed" in given


def enforce_query_contract(call: ApiRequest) -> None:
    """Raises Refusal (400) in strict mode, where the contract does not allow what the real one would take."""
    if call.is_refused_by_contract():
        words = f"The query parameter is invalid: {describe_violations(call.violations)}"
        raise refuse(BAD_QUERY_PARAMETER, words, f"contract (strict): {call.violations[0]}")


def parse_query_parameters(query: Mapping[str, list[str]]) -> dict[str, QueryValue]:
    """A query as Rails reads it: the last value of a name counts, and `name[key]` is a mapping; lists are divided."""
    given: dict[str, QueryValue] = {}
    for name, values in query.items():
        nested = _NESTED_NAME.fullmatch(name)
        if nested is None:
            given[name] = values[-1]
        elif nested.group(2):
            inside = given.get(nested.group(1))
            kept_inside = inside if isinstance(inside, dict) else {}
            given[nested.group(1)] = {**kept_inside, nested.group(2): values[-1]}
        else:
            given[nested.group(1)] = list(values)
    for name in ARRAY_PARAMETERS:
        value = given.get(name)
        if isinstance(value, str):
            given[name] = [unquote(each) for each in re.split(r",[ \t\r\n\f\v]*", value)]
        elif isinstance(value, list):
            # Ruby writes a list as text before it divides it, so nothing is ever found.
            given[name] = ["[" + ", ".join(f'"{each}"' for each in value) + "]"]
    return given


def read_text_parameter(given: Mapping[str, QueryValue], name: str) -> str | None:
    """A parameter that is text.

    Raises:
        Refusal: 500, where it is something else.
    """
    value = given.get(name)
    if value is None or isinstance(value, str):
        return value
    raise refuse_unexpected(f"a query parameter {name} that is no text")


def find_page_errors(given: Mapping[str, QueryValue]) -> Iterator[str]:
    page, per_page = read_text_parameter(given, "page"), read_text_parameter(given, "per_page")
    if page is not None and parse_leading_integer(page) <= 0:
        yield "Page must be a positive integer"
    if per_page is not None:
        if parse_leading_integer(per_page) <= 0:
            yield "Per page must be a positive integer"
        elif parse_leading_integer(per_page) > MAX_PER_PAGE:
            yield f"Per page must be between 1 and {MAX_PER_PAGE}"
    last = parse_leading_integer(page or str(DEFAULT_PAGE)) * parse_leading_integer(per_page or str(DEFAULT_PER_PAGE))
    if last > LARGEST_LONG:
        yield f"Maximum result (page * per_page) must be less than {LARGEST_LONG}"


def find_order_errors(given: Mapping[str, QueryValue]) -> Iterator[str]:
    order = read_text_parameter(given, "order_by")
    if order and order.strip() and not _ORDER.fullmatch(order):
        yield "Order by can only be: 'created_at', 'updated_at'"


def find_timestamp_errors(given: Mapping[str, QueryValue], name: str) -> Iterator[str]:
    attribute = name.capitalize().replace("_", " ")
    value = given.get(name)
    for operator, text in value.items() if isinstance(value, dict) else ((None, each) for each in value or ()):
        if operator is not None and operator not in RELATIONAL_OPERATORS:
            yield f"{attribute} Invalid relational operator: '{operator}'"
        if operator is not None and "," in text:
            yield f"{attribute} only accepts one value when using a relational operator"
        elif not _TIMESTAMP.fullmatch(text):
            yield (
                f"{attribute} has an invalid timestamp format. Timestamps should be formatted as 'YYYY-MM-DDThh:mm:ssZ'"
            )


def find_array_errors(given: Mapping[str, QueryValue], name: str) -> Iterator[str]:
    if isinstance(given.get(name), dict):
        yield f"{name.capitalize().replace('_', ' ')} must be an array"


def find_unknown_parameter_errors(given: Mapping[str, QueryValue], valid: tuple[str, ...]) -> Iterator[str]:
    unknown = [name for name in given if name not in valid]
    if unknown:
        yield f"Unknown query parameter(s): {quote_values(unknown)}. Valid parameters are: {quote_values(valid)}"


def find_embed_errors(given: Mapping[str, QueryValue]) -> Iterator[str]:
    value = given.get("embed")
    if value is None:
        return
    seen: list[str] = []
    for each in value:
        seen.append(each)
        if each not in EMBEDDED_RESOURCES:
            valid = quote_values(EMBEDDED_RESOURCES)
            yield f"Invalid embedded resource: '{each}'. Valid embedded resources are: {valid}"
        elif seen.count(each) == 2:
            yield f"Duplicate embedded resource: '{each}'"


def collect_link_parameters(given: Mapping[str, QueryValue], order: str) -> dict[str, str]:
    """The parameters that links keep."""
    together: dict[str, str] = {"order_by": order} if order else {}
    for name, value in given.items():
        if name in ("page", "per_page", "order_by", "app_guid"):
            continue
        if isinstance(value, dict):
            together.update({f"{name}[{key}]": text for key, text in value.items()})
        else:
            together[name] = value if isinstance(value, str) else ",".join(each.replace(",", "%2C") for each in value)
    return together


def refuse_query(call: ApiRequest, faults: list[str]) -> Refusal:
    why = f"contract: {call.violations[0]}" if call.violations else "world: the query is invalid"
    return refuse(BAD_QUERY_PARAMETER, f"The query parameter is invalid: {', '.join(faults)}", why)
