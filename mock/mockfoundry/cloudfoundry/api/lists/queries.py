"""Queries: what is asked of a read, by the form that its resource declares. Changes nothing.

Source: cloud_controller_ng, app/messages/list_message.rb, metadata_list_message.rb, base_message.rb and the
list message of each resource.
"""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote_plus

import msgspec

from mockfoundry.cloudfoundry.api.lists.parameters import (
    Parameters,
    QueryValue,
    parse_parameters,
    read_text_parameter,
    split_array,
)
from mockfoundry.cloudfoundry.api.lists.query_checks import (
    DEFAULT_PAGE,
    DEFAULT_PER_PAGE,
    QueryCheck,
    check_shown,
    compile_orders,
    find_array_errors,
    find_order_errors,
    find_page_errors,
    find_timestamp_errors,
    find_unknown_parameter_errors,
)
from mockfoundry.cloudfoundry.api.messages import (
    enforce_contract,
    parse_leading_integer,
    refuse_message,
    refuse_unexpected,
)
from mockfoundry.cloudfoundry.api.metadata import LabelRequirement, find_selector_errors, parse_label_selector
from mockfoundry.cloudfoundry.api.request import ApiRequest
from mockfoundry.cloudfoundry.errors import BAD_QUERY_PARAMETER, CatalogueEntry

TIMESTAMP_PARAMETERS = ("created_ats", "updated_ats")
COMMON_PARAMETERS = ("page", "per_page", "order_by", *TIMESTAMP_PARAMETERS, "guids")
"""What every list takes, in the order in which the Cloud Controller names them."""

COMMON_ORDERS = ("created_at", "updated_at")

SHOWN_PARAMETERS = ("include", "embed")
FIELDS = "fields"
"""These decide what is shown besides the resources of a list; the other parameters of its own are filters."""

_COMMON_ARRAYS = (*TIMESTAMP_PARAMETERS, "guids", *SHOWN_PARAMETERS)
_NOT_FILTERS = frozenset(
    {"page", "per_page", "order_by", *TIMESTAMP_PARAMETERS, "label_selector", *SHOWN_PARAMETERS, FIELDS}
)


class ListForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a list takes besides the common parameters, and what is said of a bad query.

    Attributes:
        own: its own parameters, in the order in which the Cloud Controller names them: `label_selector` comes last for
            nearly all resources with metadata.
        arrays: those of them that are comma lists, as `include` and `embed` always are; the others are texts.
        keyed: those of the arrays that may come by key too, each with the keys that are read: `target_guids[not]=a,b`
            is a filter of that name.
        ignored: those of them that change nothing, in links neither.
        orders: the fields that it can be sorted by.
        implied_order: the `order_by` of a query without one, shown in links too; empty where there is none.
        checks: of its own parameters, in the order of the errors; unknown ones were named before.
        checks_selector: whether a label selector that can't be read is 400; the Cloud Controller forgot it for routes.
        unlinked: further parameters that links to other pages don't repeat.
        entry: of the catalogue, for a bad query.
    """

    own: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ()
    keyed: Mapping[str, tuple[str, ...]] = {}
    ignored: tuple[str, ...] = ()
    orders: tuple[str, ...] = COMMON_ORDERS
    implied_order: str = ""
    checks: tuple[QueryCheck, ...] = ()
    checks_selector: bool = True
    unlinked: tuple[str, ...] = ()
    entry: CatalogueEntry = BAD_QUERY_PARAMETER


class ListQuery(NamedTuple):
    """What is asked of a list.

    Attributes:
        order: a field, empty for the order that the list has by itself.
        filters: by parameter, `guids` among them: the values asked for, one where the parameter is a text.
        timestamp_filters: `created_ats` and `updated_ats`: texts, or texts by relational operator.
        include, embed: what is shown besides the resources, and inside them.
        fields: of which related resources which fields are shown (`fields[space]=name,guid`).
        link_parameters: what links to other pages repeat besides the page, each as `name=value`, encoded.
    """

    page: int
    per_page: int
    order: str
    descending: bool
    filters: Mapping[str, tuple[str, ...]]
    timestamp_filters: Mapping[str, list[str] | dict[str, str]]
    label_requirements: tuple[LabelRequirement, ...]
    include: tuple[str, ...]
    embed: tuple[str, ...]
    fields: Mapping[str, tuple[str, ...]]
    link_parameters: tuple[str, ...]


DEFAULT_LIST_QUERY = ListQuery(DEFAULT_PAGE, DEFAULT_PER_PAGE, "", False, {}, {}, (), (), (), {}, ())

_NOTHING_GIVEN: Mapping[str, str] = {}


def read_list_query(request: ApiRequest, form: ListForm, given: Mapping[str, str] = _NOTHING_GIVEN) -> ListQuery:
    """What is asked of a list.

    Args:
        given: parameters that the path decides; they win over those of the query, and links repeat them.

    Raises:
        Refusal: 400 or the status of the form's entry, with every error; 500, where the Cloud Controller fails on the
            shape of the query.
    """
    if not request.query and not given and not form.implied_order:
        return DEFAULT_LIST_QUERY
    query = {**request.query, **{name: [value] for name, value in given.items()}}
    parameters = parse_parameters(query, (*_COMMON_ARRAYS, *form.arrays))
    requirements = parse_label_selector(read_text_parameter(parameters, "label_selector") or "")
    errors = find_query_errors(parameters, requirements, form)
    if errors:
        raise refuse_message(request, errors, form.entry, "query")
    enforce_contract(request, form.entry)
    if None in requirements:
        raise refuse_unexpected("a label selector that it can't read")
    sign, order = ("", "")
    text = read_text_parameter(parameters, "order_by")
    text = form.implied_order if text is None else text
    if matched := compile_orders(form.orders).fullmatch(text):
        sign, order = matched.groups()
    return ListQuery(
        page=parse_leading_integer(read_text_parameter(parameters, "page") or str(DEFAULT_PAGE)),
        per_page=parse_leading_integer(read_text_parameter(parameters, "per_page") or str(DEFAULT_PER_PAGE)),
        order=order,
        descending=sign == "-",
        filters=collect_filters(parameters, form),
        timestamp_filters={
            name: value
            for name in TIMESTAMP_PARAMETERS
            if (value := parameters.get(name)) is not None and not isinstance(value, str)
        },
        label_requirements=tuple(each for each in requirements if each is not None),
        include=tuple(parameters.get("include", ())),
        embed=tuple(parameters.get("embed", ())),
        fields=read_fields(parameters),
        link_parameters=tuple(collect_link_parameters(parameters, f"{sign or '+'}{order}" if order else "", form)),
    )


def find_query_errors(parameters: Parameters, requirements: list[LabelRequirement | None], form: ListForm) -> list[str]:
    """What is wrong with the query of a list.

    Args:
        requirements: of its label selector.
    """
    selects = form.checks_selector and "label_selector" in form.own and "label_selector" in parameters
    return [
        *find_page_errors(parameters),
        *find_order_errors(parameters, form.orders),
        *(error for name in TIMESTAMP_PARAMETERS for error in find_timestamp_errors(parameters, name)),
        *find_array_errors(parameters, "guids"),
        *(find_selector_errors(requirements) if selects else ()),
        *find_unknown_parameter_errors(parameters, (*COMMON_PARAMETERS, *form.own)),
        *(error for check in form.checks for error in check(parameters)),
    ]


def collect_filters(parameters: Parameters, form: ListForm) -> dict[str, tuple[str, ...]]:
    """The values of every filter of a query."""
    filters: dict[str, tuple[str, ...]] = {}
    for name, value in parameters.items():
        if name in _NOT_FILTERS or name in form.ignored:
            continue
        if isinstance(value, str):
            filters[name] = (value,)
        elif isinstance(value, list):
            filters[name] = tuple(value)
        elif name in form.keyed:
            # Other keys are neither refused nor read.
            filters.update(
                {f"{name}[{key}]": tuple(split_array(value[key])) for key in form.keyed[name] if key in value}
            )
    return filters


def read_fields(parameters: Parameters) -> dict[str, tuple[str, ...]]:
    """The fields that are asked for, by related resource."""
    value = parameters.get(FIELDS)
    return {name: tuple(split_array(text)) for name, text in value.items()} if isinstance(value, dict) else {}


def collect_link_parameters(parameters: Parameters, order: str, form: ListForm) -> list[str]:
    """The parameters that links to other pages repeat."""
    collected = [encode_parameter("order_by", order)] if order else []
    for name, value in parameters.items():
        if name in ("page", "per_page", "order_by") or name in form.ignored or name in form.unlinked:
            continue
        if not isinstance(value, dict):
            text = value if isinstance(value, str) else ",".join(each.replace(",", "%2C") for each in value)
            collected.append(encode_parameter(name, text))
        elif name in form.keyed:
            # Rails writes a list inside a mapping value by value, in the order of the values.
            collected += [
                "&".join(encode_parameter(f"{name}[{key}][]", each) for each in split_array(text))
                for key, text in value.items()
            ]
        elif name == FIELDS:
            collected += [
                encode_parameter(f"{name}[{key}]", ",".join(values)) for key, values in read_fields(parameters).items()
            ]
        else:
            collected += [encode_parameter(f"{name}[{key}]", text) for key, text in value.items()]
    return collected


def encode_parameter(name: str, value: str) -> str:
    return f"{quote_plus(name)}={quote_plus(value)}"


_PARTICIPLES = {"include": "included", "embed": "embedded"}


def read_shown(
    request: ApiRequest, parameter: str, valid: tuple[str, ...], entry: CatalogueEntry = BAD_QUERY_PARAMETER
) -> tuple[str, ...]:
    """What is to be shown with a single resource: the values of `include` or `embed`, the only parameter it takes.

    Args:
        valid: what can be shown.
        entry: of the catalogue, for a bad query.

    Raises:
        Refusal: 400 or the status of the entry, with every error.
    """
    check = check_shown(parameter, _PARTICIPLES[parameter], valid)
    value: QueryValue = read_parameters(request, (parameter,), (parameter,), (check,), entry).get(parameter, [])
    return tuple(value)


def read_parameters(
    request: ApiRequest,
    names: tuple[str, ...],
    arrays: tuple[str, ...],
    checks: tuple[QueryCheck, ...],
    entry: CatalogueEntry = BAD_QUERY_PARAMETER,
) -> Parameters:
    """The parameters that a single resource takes.

    Args:
        names: of all of them, in the order in which the Cloud Controller names them.
        arrays: those that are lists.
        entry: of the catalogue, for a bad query.

    Raises:
        Refusal: 400 or the status of the entry, with every error.
    """
    if not request.query:
        return {}
    parameters = parse_parameters(request.query, arrays)
    errors = [
        *find_unknown_parameter_errors(parameters, names),
        *(error for check in checks for error in check(parameters)),
    ]
    if errors:
        raise refuse_message(request, errors, entry, "query")
    enforce_contract(request, entry)
    return parameters
