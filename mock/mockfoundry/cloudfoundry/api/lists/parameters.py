"""Parameters: a query by name, as the Cloud Controller's framework and its lists read it. Never judges a value.

Source: cloud_controller_ng, app/messages/base_message.rb (`to_array!`).
"""

import re
from collections.abc import Collection, Mapping
from urllib.parse import unquote

from mockfoundry.cloudfoundry.api.messages import refuse_unexpected

QueryValue = str | list[str] | dict[str, str]
"""The value of one name in a query: a text, a list of texts, or a mapping (`created_ats[lt]=…`)."""

Parameters = Mapping[str, QueryValue]
"""A query by name."""

_NESTED_NAME = re.compile(r"([^\[\]]+)\[([^\]]*)\].*", re.DOTALL)
_COMMA = re.compile(r",[ \t\r\n\f\v]*")


def parse_parameters(query: Mapping[str, list[str]], arrays: Collection[str]) -> dict[str, QueryValue]:
    """A query as Rails reads it: the last value of a name counts, `name[key]` is a mapping, and lists are split.

    Args:
        arrays: which names have lists.
    """
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
    for name in arrays:
        value = parameters.get(name)
        if isinstance(value, str):
            parameters[name] = split_array(value)
        elif isinstance(value, list):
            # Ruby writes a list as text before it splits it, so such a filter matches nothing.
            parameters[name] = ["[" + ", ".join(f'"{each}"' for each in value) + "]"]
    return parameters


def split_array(text: str) -> list[str]:
    """The values of a comma list; each is decoded once more, so that it may hold a comma."""
    return [unquote(each) for each in _COMMA.split(text)]


def read_text_parameter(parameters: Parameters, name: str) -> str | None:
    """A parameter that must be text; None where it is not there.

    Raises:
        Refusal: 500, if it is a list or a mapping.
    """
    value = parameters.get(name)
    if value is None or isinstance(value, str):
        return value
    raise refuse_unexpected(f"a query parameter {name} that is no text")
