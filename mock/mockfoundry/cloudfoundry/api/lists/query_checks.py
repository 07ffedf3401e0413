"""Query checks: what is wrong with the parameters of a read, in the Cloud Controller's words. Changes nothing.

Source: cloud_controller_ng, app/messages/list_message.rb, base_message.rb and validators.rb.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from mockfoundry.cloudfoundry.api.lists.parameters import Parameters, read_text_parameter, split_array
from mockfoundry.cloudfoundry.api.messages import parse_leading_integer, quote_values
from mockfoundry.cloudfoundry.api.metadata import format_like_ruby
from mockfoundry.cloudfoundry.model import LARGEST_LONG

DEFAULT_PAGE = 1
DEFAULT_PER_PAGE = 50
MAX_PER_PAGE = 5000

RELATIONAL_OPERATORS = ("lt", "gt", "lte", "gte")

QueryCheck = Callable[[Parameters], Iterator[str]]
"""Finds the errors of some parameters."""

_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\n?")


# Of every list


def find_page_errors(parameters: Parameters) -> Iterator[str]:
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


@lru_cache
def compile_orders(orders: tuple[str, ...]) -> re.Pattern[str]:
    """What `order_by` may be, where these fields can be sorted by: a sign, if any, and one of them."""
    return re.compile(rf"([+-]?)({'|'.join(map(re.escape, orders))})")


def find_order_errors(parameters: Parameters, orders: tuple[str, ...]) -> Iterator[str]:
    order = read_text_parameter(parameters, "order_by")
    if order and order.strip() and not compile_orders(orders).fullmatch(order):
        yield f"Order by can only be: {quote_values(orders)}"


def find_timestamp_errors(parameters: Parameters, name: str) -> Iterator[str]:
    attribute = name_attribute(name)
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


def find_array_errors(parameters: Parameters, name: str) -> Iterator[str]:
    if isinstance(parameters.get(name), dict):
        yield f"{name_attribute(name)} must be an array"


def find_unknown_parameter_errors(parameters: Parameters, valid: tuple[str, ...]) -> Iterator[str]:
    unknown = [name for name in parameters if name not in valid]
    if unknown:
        yield f"Unknown query parameter(s): {quote_values(unknown)}. Valid parameters are: {quote_values(valid)}"


def name_attribute(name: str) -> str:
    """A parameter as errors name it: `space_guids` is `Space guids`."""
    return name.capitalize().replace("_", " ")


# Of some lists: each makes a check for the parameters that it is given


def check_arrays(*names: str) -> QueryCheck:
    """That none of the parameters has keys."""

    def check(parameters: Parameters) -> Iterator[str]:
        for name in names:
            yield from find_array_errors(parameters, name)

    return check


def check_included(*valid: str) -> QueryCheck:
    """That `include` asks for resources that there are, for each once."""
    return check_shown("include", "included", valid)


def check_embedded(*valid: str) -> QueryCheck:
    """That `embed` asks for resources that there are, for each once."""
    return check_shown("embed", "embedded", valid)


def check_shown(parameter: str, participle: str, valid: tuple[str, ...]) -> QueryCheck:
    def check(parameters: Parameters) -> Iterator[str]:
        seen: list[str] = []
        for each in parameters.get(parameter) or ():
            seen.append(each)
            if each not in valid:
                yield (
                    f"Invalid {participle} resource: '{each}'. Valid {participle} resources are: {quote_values(valid)}"
                )
            elif seen.count(each) == 2:
                yield f"Duplicate {participle} resource: '{each}'"

    return check


def check_absent(*names: str) -> QueryCheck:
    """That none of the parameters is there, although the list knows them elsewhere."""

    def check(parameters: Parameters) -> Iterator[str]:
        present = [name for name in names if name in parameters]
        if present:
            yield f"Unknown query parameter(s): {quote_values(present)}"

    return check


def check_not_filtered(name: str) -> QueryCheck:
    """That nobody filters by a parameter that every list names and this one refuses."""

    def check(parameters: Parameters) -> Iterator[str]:
        if name in parameters:
            yield f"Filtering by '{name}' is not allowed on this resource."

    return check


def check_choice(name: str, valid: tuple[str, ...], error: str) -> QueryCheck:
    """That a parameter has one of the valid values.

    Args:
        error: with a `{}` for the value, if it shows that.
    """

    def check(parameters: Parameters) -> Iterator[str]:
        value = parameters.get(name)
        if value is not None and value not in valid:
            yield error.format(format_like_ruby(value))

    return check


def check_fields(allowed: Mapping[str, tuple[str, ...]]) -> QueryCheck:
    """That `fields` asks for fields that there are, of related resources that there are.

    Args:
        allowed: the fields by related resource.
    """

    def check(parameters: Parameters) -> Iterator[str]:
        value = parameters.get("fields")
        if value is None:
            return
        if not isinstance(value, dict):
            yield "Fields must be an object"
            return
        for resource, text in value.items():
            if resource not in allowed:
                yield f"Fields [{resource}] valid resources are: {quote_values(allowed)}"
            elif not set(split_array(text)) <= set(allowed[resource]):
                yield f"Fields valid keys for '{resource}' are: {quote_values(allowed[resource])}"

    return check
