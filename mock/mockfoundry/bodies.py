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

from mockfoundry.documents.json import is_json_deeper

MAX_BODY_DEPTH = 100
"""How deep a JSON body may nest; the Cloud Controller's limit is the size of its stack."""

MAX_PARAMETERS = 1_000
"""How many parameters of a query are read."""


class BodyForm(Enum):
    """How a body is read, by its content type."""

    JSON = auto()
    FORM = auto()
    IGNORED = auto()
    MALFORMED = auto()


_JSON_TYPES = frozenset({b"application/json", b"text/x-json", b"application/jsonrequest", b"application/problem+json"})
_FORM_TYPES = frozenset({b"application/x-www-form-urlencoded", b"multipart/form-data"})
_TYPE = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+")


@lru_cache(maxsize=256)
def find_body_form(content_type: bytes) -> BodyForm:
    """How a body of this content type is read; one without a content type is ignored."""
    if not content_type:
        return BodyForm.IGNORED
    media_type = content_type.split(b",")[0].split(b";")[0].strip().lower()
    if media_type in _JSON_TYPES:
        return BodyForm.JSON
    if media_type in _FORM_TYPES:
        return BodyForm.FORM
    return BodyForm.IGNORED if _TYPE.fullmatch(media_type) else BodyForm.MALFORMED


def read_json(content: bytes) -> Any:
    """The value of JSON.

    Raises:
        ValueError: it is not JSON, or nests too deep.
    """
    if is_json_deeper(content, MAX_BODY_DEPTH):
        raise ValueError("nests too deep")
    try:
        return _decode(content)
    except msgspec.ValidationError:
        return _decode_bounded(content)


def parse_bounded_float(text: str) -> float:
    """A number as a float; one beyond a float's range, which JSON allows, becomes the largest float."""
    return max(-MAX_FLOAT, min(MAX_FLOAT, float(text)))


MAX_FLOAT = sys.float_info.max
_decode = msgspec.json.Decoder().decode
_decode_bounded = msgspec.json.Decoder(float_hook=parse_bounded_float).decode


def read_form(content: bytes) -> dict[str, str]:
    """The fields of an HTML form's body; of a repeated field the last counts. None are read of a multipart body."""
    return {name: values[-1] for name, values in read_query(content).items()}


_NOT_ASCII = re.compile(rb"[\x80-\xff]")


def read_query(query_string: bytes) -> dict[str, list[str]]:
    """The parameters of a query string, each with its values in order; a name without a value has an empty one.

    Bytes that are not percent-encoded are UTF-8, too, as `curl -d` sends them.
    """
    if not query_string.isascii():
        query_string = _NOT_ASCII.sub(lambda found: b"%%%02X" % ord(found[0]), query_string)
    pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="replace")
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
