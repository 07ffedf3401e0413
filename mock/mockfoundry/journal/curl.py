"""The curl command of an exchange, which sends the same request again from any POSIX shell. Never sends it.

Whatever a client sent stands in quotes, so that a shell takes none of it for code; what a terminal would obey stands
there as the escapes of `printf`. In place of secrets there are variables, outside of the quotes.
"""

import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import count

import msgspec

from mockfoundry.journal.entry import ANYBODY, NO_BODY, JournalEntry, decode_json_body
from mockfoundry.journal.redaction import Redactor
from mockfoundry.journal.repeats import list_route_words
from mockfoundry.journal.secret_names import is_secret_name
from mockfoundry.journal.written_bodies import decode_text

TOKEN_VARIABLE = "TOKEN"  # noqa: S105 (its name)
SECRET_VARIABLE = "SECRET"  # noqa: S105 (its name)

_HEADERS_SET_BY_CURL = frozenset((b"content-length", b"transfer-encoding", b"connection", b"accept-encoding"))
_DEFAULT_ACCEPT = b"*/*"
_BARE_WORD = re.compile(r"[A-Za-z0-9_@%+=:,./-]+", re.ASCII)
_DOT_SEGMENT = re.compile(r"/\.{1,2}(?:[/?]|\Z)|%2e", re.IGNORECASE)
_FOUNDATION_HOST = ".localhost"

MAX_ARGUMENT_BYTES = 100_000
"""Of a body that stands in an argument of a command. Linux takes 131,072, with what the variables in it hold."""


def make_opening(entry: JournalEntry) -> str:
    """What the mark of a variable opens with: it holds a digest of the request, so no request can hold it."""
    request = entry.request
    digest = blake2b(request.content, digest_size=16)
    for name, value in request.headers.items():
        digest.update(b"%b:%b\n" % (name, value))
    digest.update(request.query_string)
    digest.update(request.target.encode("utf-8", "replace"))
    return f"\ufdd3{digest.hexdigest()}:"


def name_secret_variables(token: str, opening: str) -> Callable[[str], str]:
    """What gives each secret a variable of the shell, as its mark in a word.

    Args:
        token: what the variable `$TOKEN` stands for.
        opening: of marks.
    """
    numbers = count(1)

    def name_variable(secret: str) -> str:
        if secret == token:
            return f"{opening}{TOKEN_VARIABLE}\ufdd4"
        number = next(numbers)
        return f"{opening}{SECRET_VARIABLE}{'' if number == 1 else f'_{number}'}\ufdd4"

    return name_variable


def curl_command(entry: JournalEntry, base: str) -> str:
    """A command that sends the same request again, with `$TOKEN`, `$SECRET`, `$SECRET_2` in place of secrets.

    Args:
        base: scheme and host of the server, `http://127.0.0.1:8080`.
    """
    request = entry.request
    token = entry.header(b"authorization").partition(" ")[2].strip()
    opening = make_opening(entry)
    split_at_marks = re.compile(f"{opening}([A-Z0-9_]+)\ufdd4").split
    redactor = Redactor(name_secret_variables(token, opening), public=(entry.actor, ANYBODY))
    headers = redact_request_headers(entry, redactor, base)
    query = redactor.redact_pairs(request.query_string.decode("latin-1"))
    for name, value in entry.path.items():
        if is_secret_name(name):
            redactor.hide(value)
    body, encoding = redact_request_body(entry, redactor)
    path = redactor.redact_path(request.target)
    words_of_route = list_route_words(request.target, entry.operation, entry.path.values())
    target = redactor.redact_own_text(path, words_of_route) + (redactor.finish_text(f"?{query}") if query else "")
    url = base + quote_url(target)
    words = ["curl", "-i", *list_options(request.method, bool(request.content), url)]
    for header in headers:
        words += ["-H", quote_word(split_at_marks(redactor.finish_text(header)), "latin-1")]
    pieces = split_at_marks(redactor.finish_text(body))
    feed = ""
    if (
        encoding != "utf-8"
        or not all(map(is_plain, pieces))
        or len(body.encode("utf-8", "replace")) > MAX_ARGUMENT_BYTES
    ):
        # An argument can hold neither all bytes nor what a terminal obeys, nor so many. `printf` is the shell's own.
        feed = f"printf {quote_for_printf(pieces, encoding)} | "
        words += ["--data-binary", "@-"]
    elif body:
        words += ["--data-raw", quote_word(pieces, encoding)]
    words.append(quote_word(split_at_marks(url), "latin-1"))
    return feed + " ".join(words)


def list_options(method: str, has_body: bool, url: str) -> list[str]:
    """curl's options for the method, and for an address that curl would take for a pattern, or shorten."""
    options = ["-g"] if any(sign in url for sign in "[]{}") else []
    if _DOT_SEGMENT.search(url):
        options.append("--path-as-is")
    if method == "HEAD" and not has_body:
        return [*options, "-I"]
    return options if method == "GET" and not has_body else [*options, "-X", quote_word([method], "latin-1")]


def redact_request_headers(entry: JournalEntry, redactor: Redactor, base: str) -> list[str]:
    """The headers as curl takes them: `name: value`, `name;` for an empty one, `name:` for one that curl would add."""
    headers = entry.request.headers
    shown = redactor.redact_headers(headers.items())
    lines: list[str] = []
    for name, value in headers.items():
        is_curls_own = (name == b"user-agent" and value.startswith(b"curl/")) or (
            name == b"accept" and value == _DEFAULT_ACCEPT
        )
        names_foundation = name != b"host" or (
            _FOUNDATION_HOST in value.decode("latin-1").lower() and value.decode("latin-1") != base.partition("://")[2]
        )
        if name not in _HEADERS_SET_BY_CURL and not is_curls_own and names_foundation:
            key = name.decode("latin-1")
            lines.append(f"{key}: {shown[key]}" if value.strip() else f"{key};")
    added = [b"accept", b"user-agent", *([b"content-type"] if entry.request.content else [])]
    return [*lines, *(f"{name.decode()}:" for name in added if name not in headers)]


def redact_request_body(entry: JournalEntry, redactor: Redactor) -> tuple[str, str]:
    """The body as it was written but for the secrets: its text, and the encoding by which that text is its bytes."""
    content, content_type = entry.request.content, entry.header(b"content-type")
    text = decode_text(content, "")
    if text is None:
        return redactor.redact_body_text(content.decode("latin-1"), ""), "latin-1"
    redacted = redactor.redact_body_text(text, content_type)
    if redacted == text and text.encode() != content:
        return content.decode("latin-1"), "latin-1"
    value = entry.body
    if value is not NO_BODY:
        known = redactor.redact_value(value)
        if known != value and decode_json_body(redacted.encode(), content_type) != known:
            return msgspec.json.encode(known).decode(), "utf-8"
    return redacted, "utf-8"


def is_plain(text: str) -> bool:
    """Whether text can stand in a command: all of it can be printed, but for line feeds."""
    return all(sign.isprintable() or sign == "\n" for sign in text)


def quote_url(target: str) -> str:
    """A target as it came; what is no ASCII is encoded, and variables stay."""
    return re.sub(r"[\x00-\x20\x7f-\xff]", lambda found: f"%{ord(found[0]):02X}", target)


def quote_word(pieces: Sequence[str], encoding: str) -> str:
    """A word for a POSIX shell, its variables outside of the quotes.

    Args:
        pieces: text and names of variables in turn; text comes first and last.
        encoding: by which the text is its bytes.
    """
    quoted = "".join(
        f'"${piece}"' if index % 2 else quote_bytes(piece.encode(encoding, "replace"))
        for index, piece in enumerate(pieces)
        if piece
    )
    return quoted or "''"


def quote_bytes(content: bytes) -> str:
    """A part of a word for a POSIX shell: as text in quotes, else as the escapes of `printf`."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\x00"
    if not is_plain(text):
        return f'"$(printf {quote_for_printf([content.decode("latin-1")], "latin-1")})"'
    return text if _BARE_WORD.fullmatch(text) else "'" + text.replace("'", "'\\''") + "'"


def quote_for_printf(pieces: Sequence[str], encoding: str) -> str:
    """Text as the arguments of `printf`, which every POSIX shell has; variables are printed in their places.

    Args:
        pieces, encoding: as of a word.
    """
    written = "".join(
        "%s" if index % 2 else "".join(map(escape_byte, piece.encode(encoding, "replace")))
        for index, piece in enumerate(pieces)
    )
    if written.startswith("-"):
        # `printf` would take it for an option, and not every shell's takes a `--` before it.
        written = escape_octally(ord("-")) + written[1:]
    return " ".join((f"'{written}'", *(f'"${variable}"' for variable in pieces[1::2])))


def escape_byte(byte: int) -> str:
    sign = chr(byte)
    if sign == "%":
        return "%%"
    return sign if sign.isascii() and sign.isprintable() and sign not in "\\'" else escape_octally(byte)


def escape_octally(byte: int) -> str:
    return f"\\{byte:03o}"
