"""Bodies, queries, headers: values of bytes, as the Cloud Controller's framework reads them. Never judges a value.

Source: Rails' parameter parsers as cloud_controller_ng sets them up (config/initializers/json.rb, mime_types.rb).
"""

import re
import sys
from enum import Enum, auto
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec

MAX_BODY_DEPTH = 100
"""How deep a JSON body may nest here; the real one's limit is its stack."""

MAX_PARAMETERS = 1_000


class BodyForm(Enum):
    """What a content type makes of a body."""

    JSON = auto()
    FORM = auto()
    IGNORED = auto()
    MALFORMED = auto()


_JSON_TYPES = frozenset({b"application/json", b"text/x-json", b"application/jsonrequest", b"application/problem+json"})
_FORM_TYPES = frozenset({b"application/x-www-form-urlencoded", b"multipart/form-data"})
_TYPE = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+")


@lru_cache(maxsize=256)
def find_body_form(content_type: bytes) -> BodyForm:
    """How a body of this content type is read; without one it is not read at all."""
    if not content_type:
        return BodyForm.IGNORED
    media_type = content_type.split(b",")[0].split(b";")[0].strip().lower()
    if media_type in _JSON_TYPES:
        return BodyForm.JSON
    if media_type in _FORM_TYPES:
        return BodyForm.FORM
    return BodyForm.IGNORED if _TYPE.fullmatch(media_type) else BodyForm.MALFORMED


def read_json(content: bytes) -> Any:
    """JSON as a value.

    Raises:
        ValueError: it is not JSON, or nests too deep.
    """
    if content.count(b"[") + content.count(b"{") > MAX_BODY_DEPTH and measure_depth(content) > MAX_BODY_DEPTH:
        raise ValueError("nests too deep")
    try:
        return _decode(content)
    except msgspec.ValidationError:
        return _decode_bounded(content)


def parse_bounded_float(text: str) -> float:
    """A number as a float; one beyond a float's range, which JSON allows, as the largest."""
    return max(-MAX_FLOAT, min(MAX_FLOAT, float(text)))


MAX_FLOAT = sys.float_info.max
_decode = msgspec.json.Decoder().decode
_decode_bounded = msgspec.json.Decoder(float_hook=parse_bounded_float).decode


def measure_depth(content: bytes) -> int:
    """How deep brackets nest, those in strings counted too."""
    deepest = level = 0
    for sign in content:
        if sign in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif sign in b"]}":
            level -= 1
    return deepest


def read_form(content: bytes) -> dict[str, str]:
    """An HTML form's body as its fields, of a repeated one the last; a multipart body has none that are read."""
    return {name: values[-1] for name, values in read_query(content).items()}


def read_query(query_string: bytes) -> dict[str, list[str]]:
    """A query string as its parameters; a name without a value has an empty one."""
    pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, errors="replace")
    query: dict[str, list[str]] = {}
    for name, value in pairs[:MAX_PARAMETERS]:
        query.setdefault(name, []).append(value)
    return query


MAX_HEADER_LENGTH = 1_000


def format_header_value(text: str) -> bytes:
    """Text as a header's value: one line of printable ASCII."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(sign if " " <= sign <= "~" else "?" for sign in text)
    return text[:MAX_HEADER_LENGTH].encode()
