"""Queries: the parameters of reads as the Cloud Controller reads them, and what is wrong with them. Changes nothing.

Source: cloud_controller_ng, app/messages/list_message.rb, processes_list_message.rb, process_show_message.rb and
base_message.rb.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from mockfoundry.cloudfoundry.api.messages import (
    enforce_contract,
    parse_leading_integer,
    quote_values,
    refuse_message,
    refuse_unexpected,
)
from mockfoundry.cloudfoundry.api.metadata import LabelRequirement, find_selector_errors, parse_label_selector
from mockfoundry.cloudfoundry.api.request import ApiRequest
from mockfoundry.cloudfoundry.errors import BAD_QUERY_PARAMETER
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
"""In the order in which the Cloud Controller names them."""

FILTER_PARAMETERS = ("guids", "types", "app_guids", "space_guids", "organization_guids")
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
"""The value of one name in a query: a text, a list of texts, or a mapping (`created_ats[lt]=…`)."""


class ListQuery(NamedTuple):
    """What is asked of a list.

    Attributes:
        order: `created_at` or `updated_at`, empty for the order of creation.
        filters: the values that `guids`, `types` and the owners may have.
        timestamp_filters: `created_ats` and `updated_ats`: texts, or texts by relational operator.
        embed: whether each process is shown with its instances.
        link_parameters: what links to other pages repeat besides the page, by name.
    """

    page: int
    per_page: int
    order: str
    descending: bool
    filters: Mapping[str, tuple[str, ...]]
    timestamp_filters: Mapping[str, list[str] | dict[str, str]]
    label_requirements: tuple[LabelRequirement, ...]
    embed: bool
    link_parameters: Mapping[str, str]


DEFAULT_LIST_QUERY = ListQuery(DEFAULT_PAGE, DEFAULT_PER_PAGE, "", False, {}, {}, (), False, {})


def read_list_query(request: ApiRequest, of_app: bool) -> ListQuery:
    """What is asked of a list.

    Args:
        of_app: whether it is the list of an app, which has no filters by owner.

    Raises:
        Refusal: 400, with every error; 500, where the Cloud Controller fails on the shape of the query.
    """
    if not request.query:
        return DEFAULT_LIST_QUERY
    parameters = parse_query_parameters(request.query)
    requirements = parse_label_selector(read_text_parameter(parameters, "label_selector") or "")
    errors = [
        *find_page_errors(parameters),
        *find_order_errors(parameters),
        *find_timestamp_errors(parameters, "created_ats"),
        *find_timestamp_errors(parameters, "updated_ats"),
        *find_array_errors(parameters, "guids"),
        *(find_selector_errors(requirements) if "label_selector" in parameters else ()),
        *find_unknown_parameter_errors(parameters, LIST_PARAMETERS),
        *find_embed_errors(parameters),
        *find_array_errors(parameters, "space_guids"),
        *find_array_errors(parameters, "organization_guids"),
        *find_array_errors(parameters, "app_guids"),
    ]
    owners = [name for name in ("app_guids", "organization_guids", "space_guids") if name in parameters]
    if of_app and owners:
        errors.append(f"Unknown query parameter(s): {quote_values(owners)}")
    if errors:
        raise refuse_message(request, errors, BAD_QUERY_PARAMETER, "query")
    enforce_contract(request, BAD_QUERY_PARAMETER)
    sign, order = ("", "")
    if (text := read_text_parameter(parameters, "order_by")) and (matched := _ORDER.fullmatch(text)):
        sign, order = matched.groups()
    return ListQuery(
        page=parse_leading_integer(read_text_parameter(parameters, "page") or str(DEFAULT_PAGE)),
        per_page=parse_leading_integer(read_text_parameter(parameters, "per_page") or str(DEFAULT_PER_PAGE)),
        order=order,
        descending=sign == "-",
        filters={
            name: tuple(value)
            for name, value in parameters.items()
            if name in FILTER_PARAMETERS and isinstance(value, list)
        },
        timestamp_filters={
            name: value
            for name, value in parameters.items()
            if name in ("created_ats", "updated_ats") and not isinstance(value, str)
        },
        label_requirements=tuple(each for each in requirements if each is not None),
        embed="embed" in parameters,
        link_parameters=collect_link_parameters(parameters, f"{sign or '+'}{order}" if order else ""),
    )


def read_embed(request: ApiRequest) -> bool:
    """Whether a process is to be shown with its instances.

    Raises:
        Refusal: 400, with every error.
    """
    parameters = parse_query_parameters(request.query)
    errors = [*find_unknown_parameter_errors(parameters, ("embed",)), *find_embed_errors(parameters)]
    if errors:
        raise refuse_message(request, errors, BAD_QUERY_PARAMETER, "query")
    enforce_contract(request, BAD_QUERY_PARAMETER)
    return "embed" in parameters


def parse_query_parameters(query: Mapping[str, list[str]]) -> dict[str, QueryValue]:
    """A query as Rails reads it: the last value of a name counts, `name[key]` is a mapping, and lists are split."""
    parameters: dict[str, QueryValue] = {}
    for name, values in query.items():
        nested = _NESTED_NAME.fullmatch(name)
        if nested is None:
            parameters[name] = values[-1]
        elif nested.group(2):
            earlier = parameters.get(nested.group(1))
            mapping = earlier if isinstance(earlier, dict) else {}
            parameters[nested.group(1)] = {**mapping, nested.group(2): values[-1]}
        else:
            parameters[nested.group(1)] = list(values)
    for name in ARRAY_PARAMETERS:
        value = parameters.get(name)
        if isinstance(value, str):
            parameters[name] = [unquote(each) for each in re.split(r",[ \t\r\n\f\v]*", value)]
        elif isinstance(value, list):
            # Ruby writes a list as text before it splits it, so such a filter matches nothing.
            parameters[name] = ["[" + ", ".join(f'"{each}"' for each in value) + "]"]
    return parameters


def read_text_parameter(parameters: Mapping[str, QueryValue], name: str) -> str | None:
    """A parameter that must be text; None where it is not there.

    Raises:
        Refusal: 500, if it is a list or a mapping.
    """
    value = parameters.get(name)
    if value is None or isinstance(value, str):
        return value
    raise refuse_unexpected(f"a query parameter {name} that is no text")


def find_page_errors(parameters: Mapping[str, QueryValue]) -> Iterator[str]:
    page, per_page = read_text_parameter(parameters, "page"), read_text_parameter(parameters, "per_page")
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


def find_order_errors(parameters: Mapping[str, QueryValue]) -> Iterator[str]:
    order = read_text_parameter(parameters, "order_by")
    if order and order.strip() and not _ORDER.fullmatch(order):
        yield "Order by can only be: 'created_at', 'updated_at'"


def find_timestamp_errors(parameters: Mapping[str, QueryValue], name: str) -> Iterator[str]:
    attribute = name.capitalize().replace("_", " ")
    value = parameters.get(name)
    for operator, text in value.items() if isinstance(value, dict) else ((None, each) for each in value or ()):
        if operator is not None and operator not in RELATIONAL_OPERATORS:
            yield f"{attribute} Invalid relational operator: '{operator}'"
        if operator is not None and "," in text:
            yield f"{attribute} only accepts one value when using a relational operator"
        elif not _TIMESTAMP.fullmatch(text):
            yield (
                f"{attribute} has an invalid timestamp format. Timestamps should be formatted as 'YYYY-MM-DDThh:mm:ssZ'"
            )


def find_array_errors(parameters: Mapping[str, QueryValue], name: str) -> Iterator[str]:
    if isinstance(parameters.get(name), dict):
        yield f"{name.capitalize().replace('_', ' ')} must be an array"


def find_unknown_parameter_errors(parameters: Mapping[str, QueryValue], valid: tuple[str, ...]) -> Iterator[str]:
    unknown = [name for name in parameters if name not in valid]
    if unknown:
        yield f"Unknown query parameter(s): {quote_values(unknown)}. Valid parameters are: {quote_values(valid)}"


def find_embed_errors(parameters: Mapping[str, QueryValue]) -> Iterator[str]:
    value = parameters.get("embed")
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


def collect_link_parameters(parameters: Mapping[str, QueryValue], order: str) -> dict[str, str]:
    """The parameters that links to other pages repeat."""
    collected: dict[str, str] = {"order_by": order} if order else {}
    for name, value in parameters.items():
        if name in ("page", "per_page", "order_by", "app_guid"):
            continue
        if isinstance(value, dict):
            collected.update({f"{name}[{key}]": text for key, text in value.items()})
        else:
            collected[name] = value if isinstance(value, str) else ",".join(each.replace(",", "%2C") for each in value)
    return collected
