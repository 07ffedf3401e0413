"""Queries: the parameters of a list as the Cloud Controller reads them, and what it says of those it does not take.

Source: cloud_controller_ng, app/messages/list_message.rb, processes_list_message.rb, process_show_message.rb and
base_message.rb. Changes nothing.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from mockfoundry.cloudfoundry.calls import Call
from mockfoundry.cloudfoundry.entities import LARGEST_LONG
from mockfoundry.cloudfoundry.errors import BAD_QUERY_PARAMETER, Refusal, refuse
from mockfoundry.cloudfoundry.label_selectors import Requirement, requirements, selector_faults
from mockfoundry.cloudfoundry.messages.bodies import failing
from mockfoundry.cloudfoundry.messages.numbers import leading_integer
from mockfoundry.cloudfoundry.words import listed, sentences

PAGE = 1
PER_PAGE = 50
MOST_PER_PAGE = 5000

VALID = (
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

EMBEDS = ("process_instances",)
LISTS = ("created_ats", "updated_ats", "guids", "types", "space_guids", "organization_guids", "app_guids", "embed")
OPERATORS = ("lt", "gt", "lte", "gte")

_NESTED_NAME = re.compile(r"([^\[\]]+)\[([^\]]*)\].*", re.DOTALL)
_ORDER = re.compile(r"([+-]?)(created_at|updated_at)")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\n?")

Parameter = str | list[str] | dict[str, str]
"""What a query holds under one name: text, a list of texts, or a mapping (`created_ats[lt]=…`)."""


class ListQuery(NamedTuple):
    """What a list was asked for.

    Attributes:
        order: `created_at` or `updated_at`, empty for the order of creation.
        filters: `guids`, `types` and the owners, each with what is looked for.
        moments: `created_ats` and `updated_ats`: texts, or texts by operator.
        kept: the parameters that links to other pages keep, by encoded name.
    """

    page: int
    per_page: int
    order: str
    descending: bool
    filters: Mapping[str, tuple[str, ...]]
    moments: Mapping[str, list[str] | dict[str, str]]
    requirements: tuple[Requirement, ...]
    embed: bool
    kept: Mapping[str, str]


USUAL = ListQuery(PAGE, PER_PAGE, "", False, {}, {}, (), False, {})


def read_list_query(call: Call, nested: bool) -> ListQuery:
    """What a list was asked for.

    Args:
        nested: whether it is that of an app, which takes no filters by owner.

    Raises:
        Refusal: 400, with everything that is wrong; 500 where the real one fails on the shape of it.
    """
    if not call.query:
        return USUAL
    given = parameters(call.query)
    found = requirements(plain(given, "label_selector") or "")
    faults = [
        *page_faults(given),
        *order_faults(given),
        *moment_faults(given, "created_ats"),
        *moment_faults(given, "updated_ats"),
        *array_faults(given, "guids"),
        *(selector_faults(found) if "label_selector" in given else ()),
        *unknown_faults(given, VALID),
        *embed_faults(given),
        *(fault for name in ("space_guids", "organization_guids", "app_guids") for fault in array_faults(given, name)),
    ]
    owners = [name for name in ("app_guids", "organization_guids", "space_guids") if name in given]
    if nested and owners:
        faults.append(f"Unknown query parameter(s): {listed(owners)}")
    if faults:
        raise refused(call, faults)
    must_be_allowed_to_ask(call)
    sign, order = ("", "")
    if (text := plain(given, "order_by")) and (matched := _ORDER.fullmatch(text)):
        sign, order = matched.groups()
    return ListQuery(
        page=leading_integer(plain(given, "page") or str(PAGE)),
        per_page=leading_integer(plain(given, "per_page") or str(PER_PAGE)),
        order=order,
        descending=sign == "-",
        filters={name: tuple(value) for name, value in given.items() if name in FILTERS and isinstance(value, list)},
        moments={
            name: value
            for name, value in given.items()
            if name in ("created_ats", "updated_ats") and not isinstance(value, str)
        },
        requirements=tuple(each for each in found if each is not None),
        embed="embed" in given,
        kept=kept(given, f"{sign or '+'}{order}" if order else ""),
    )


FILTERS = ("guids", "types", "app_guids", "space_guids", "organization_guids")


def read_embed(call: Call) -> bool:
    """Whether the instances are to be shown inside of a process.

    Raises:
        Refusal: 400, with everything that is wrong.
    """
    given = parameters(call.query)
    faults = [*unknown_faults(given, ("embed",)), *embed_faults(given)]
    if faults:
        raise refused(call, faults)
    must_be_allowed_to_ask(call)
    return "embed" in given


def must_be_allowed_to_ask(call: Call) -> None:
    """Raises Refusal (400) in strict mode, where the contract does not allow what the real one would take."""
    if call.refuses_what_is_laxer():
        words = f"The query parameter is invalid: {sentences(call.violations)}"
        raise refuse(BAD_QUERY_PARAMETER, words, f"contract (strict): {call.violations[0]}")


def parameters(query: Mapping[str, list[str]]) -> dict[str, Parameter]:
    """A query as Rails reads it: the last value of a name counts, and `name[key]` is a mapping; lists are divided."""
    given: dict[str, Parameter] = {}
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
    for name in LISTS:
        value = given.get(name)
        if isinstance(value, str):
            given[name] = [unquote(each) for each in re.split(r",[ \t\r\n\f\v]*", value)]
        elif isinstance(value, list):
            # Ruby writes a list as text before it divides it, so nothing is ever found.
            given[name] = ["[" + ", ".join(f'"{each}"' for each in value) + "]"]
    return given


def plain(given: Mapping[str, Parameter], name: str) -> str | None:
    """A parameter that is text.

    Raises:
        Refusal: 500, where it is something else.
    """
    value = given.get(name)
    if value is None or isinstance(value, str):
        return value
    raise failing(f"a query parameter {name} that is no text")


def page_faults(given: Mapping[str, Parameter]) -> Iterator[str]:
    page, per_page = plain(given, "page"), plain(given, "per_page")
    if page is not None and leading_integer(page) <= 0:
        yield "Page must be a positive integer"
    if per_page is not None:
        if leading_integer(per_page) <= 0:
            yield "Per page must be a positive integer"
        elif leading_integer(per_page) > MOST_PER_PAGE:
            yield f"Per page must be between 1 and {MOST_PER_PAGE}"
    last = leading_integer(page or str(PAGE)) * leading_integer(per_page or str(PER_PAGE))
    if last > LARGEST_LONG:
        yield f"Maximum result (page * per_page) must be less than {LARGEST_LONG}"


def order_faults(given: Mapping[str, Parameter]) -> Iterator[str]:
    order = plain(given, "order_by")
    if order and order.strip() and not _ORDER.fullmatch(order):
        yield "Order by can only be: 'created_at', 'updated_at'"


def moment_faults(given: Mapping[str, Parameter], name: str) -> Iterator[str]:
    attribute = name.capitalize().replace("_", " ")
    value = given.get(name)
    for operator, text in value.items() if isinstance(value, dict) else ((None, each) for each in value or ()):
        if operator is not None and operator not in OPERATORS:
            yield f"{attribute} Invalid relational operator: '{operator}'"
        if operator is not None and "," in text:
            yield f"{attribute} only accepts one value when using a relational operator"
        elif not _TIMESTAMP.fullmatch(text):
            yield (
                f"{attribute} has an invalid timestamp format. Timestamps should be formatted as 'YYYY-MM-DDThh:mm:ssZ'"
            )


def array_faults(given: Mapping[str, Parameter], name: str) -> Iterator[str]:
    if isinstance(given.get(name), dict):
        yield f"{name.capitalize().replace('_', ' ')} must be an array"


def unknown_faults(given: Mapping[str, Parameter], valid: tuple[str, ...]) -> Iterator[str]:
    unknown = [name for name in given if name not in valid]
    if unknown:
        yield f"Unknown query parameter(s): {listed(unknown)}. Valid parameters are: {listed(valid)}"


def embed_faults(given: Mapping[str, Parameter]) -> Iterator[str]:
    value = given.get("embed")
    if value is None:
        return
    seen: list[str] = []
    for each in value:
        seen.append(each)
        if each not in EMBEDS:
            yield f"Invalid embedded resource: '{each}'. Valid embedded resources are: {listed(EMBEDS)}"
        elif seen.count(each) == 2:
            yield f"Duplicate embedded resource: '{each}'"


def kept(given: Mapping[str, Parameter], order: str) -> dict[str, str]:
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


def refused(call: Call, faults: list[str]) -> Refusal:
    why = f"contract: {call.violations[0]}" if call.violations else "world: the query is invalid"
    return refuse(BAD_QUERY_PARAMETER, f"The query parameter is invalid: {', '.join(faults)}", why)
