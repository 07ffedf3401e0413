"""Keeping: what of an exchange with a real foundation goes into a file. Never finds a secret itself: the journal does.

Beside what the journal hides, the values of environment variables are hidden: on a real foundation they hold whatever
people have put there. So is a secret of an earlier exchange, wherever a later one repeats it. A body that is no text is
left out: nobody sees what is in an archive.
"""

import base64
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from mockfoundry.documents.nodes import node_to_data
from mockfoundry.documents.problems import DocumentError
from mockfoundry.documents.yaml import read_nodes
from mockfoundry.journal.entry import JournalEntry, RecordedRequest, RecordedResponse, redact_entry
from mockfoundry.journal.marks import digest_secret
from mockfoundry.journal.repeats import is_plain_word
from mockfoundry.journal.written_bodies import decode_text
from mockfoundry.recording.har import HarActor, HarEntry
from mockfoundry.recording.seen import REDACTED

MAX_KNOWN_SECRETS = 48
"""How many secrets of earlier exchanges are looked for in a later one, the latest."""

MIN_KNOWN_LENGTH = 8
"""Characters of the shortest secret that is looked for in other exchanges."""

VARIABLES = frozenset(
    (
        *("var", "env", "environment_variables", "staging_env_json", "running_env_json", "environment_json"),
        *("system_env_json", "application_env_json", "vcap_services", "vcap_application"),
    )
)
"""Fields that hold environment variables."""

_URL_SIGNS = "%/?:@!$&'()*+,;=-._~"
_ENV_LINE = re.compile(r"(?P<before> *(?:- +)?)[\"']?env[\"']?:(?: .*)?\s*")
# A key may be written with escapes, and its value stand elsewhere by an anchor.
_MAY_NAME_VARIABLES = re.compile(r"env|var|vcap|\\[xuU]", re.IGNORECASE)
_NAMES_VARIABLES = re.compile(
    rf"(?<![A-Za-z_])(?:{'|'.join(sorted(VARIABLES))})[\"']?\s*:|\?\s*[\"']?env|\\[xuU]|[*&][A-Za-z]", re.IGNORECASE
)


class SecretKeeper:
    """Removes secrets from exchanges, in the order in which they end, and remembers the latest secrets for the next."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}

    def redact(self, entry: HarEntry) -> HarEntry:
        """The exchange without its secrets."""
        entry = leave_out_archives(entry)
        parts = urlsplit(entry.url)
        request = RecordedRequest(
            entry.method,
            parts.path or "/",
            parts.query.encode("latin-1", "replace"),
            join_headers(entry.headers),
            entry.content,
        )
        answer = RecordedResponse(
            entry.status,
            [
                (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
                for name, value in entry.answer_headers
            ],
            entry.answer,
            "",
            shows_reason=False,
        )
        journaled = JournalEntry(0, entry.started, entry.started, "", {}, "", "", request, answer)
        # The latest first: of very many, the last ones are not looked for.
        shown = redact_entry(journaled, tuple(reversed(self._known)))
        self._remember((*shown.redactor.list_secrets(), find_basic_password(entry.header("authorization"))))
        _, mark, query = shown.address.partition("?")
        is_variables = re.search(r"/(?:env|environment_variables)$", parts.path) is not None
        return msgspec.structs.replace(
            entry,
            url=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{quote(shown.target + mark + query, _URL_SIGNS)}",
            headers=tuple(shown.headers.items()),
            content=keep_body(entry.content, entry.header("content-type"), journaled.body, shown.body, is_variables),
            answer_headers=tuple(shown.answer_headers.items()),
            answer=keep_body(
                entry.answer, entry.answer_header("content-type"), answer.value, shown.answer, is_variables
            ),
        )

    def _remember(self, secrets: tuple[str, ...]) -> None:
        for secret in secrets:
            # A mapping is not repeated as a whole.
            if len(secret) >= MIN_KNOWN_LENGTH and not is_plain_word(secret) and secret[0] not in "{[":
                self._known.setdefault(secret)
        while len(self._known) > MAX_KNOWN_SECRETS:
            del self._known[next(iter(self._known))]


_TEXT_TYPE = re.compile(r"json|yaml|xml|^text/|^application/x-www-form-urlencoded|javascript", re.IGNORECASE)


def is_text(content: bytes, content_type: str) -> bool:
    """Whether a body is text that can be read, and says so, if it says what it is."""
    if content_type and not _TEXT_TYPE.search(content_type):
        return not content
    with suppress(ValueError, RecursionError):
        # Valid JSON may hold signs that nobody can print.
        msgspec.json.decode(content)
        return True
    return decode_text(content, content_type) is not None


def leave_out_archives(entry: HarEntry) -> HarEntry:
    """An exchange without the bodies that are no text, which its comment then says."""
    sides = [
        ("request", entry.content, entry.header("content-type")),
        ("answer", entry.answer, entry.answer_header("content-type")),
    ]
    left_out = [whose for whose, content, content_type in sides if not is_text(content, content_type)]
    if not left_out:
        return entry
    told = [f"the {whose}'s body is left out: it is no text" for whose in left_out]
    return msgspec.structs.replace(
        entry,
        content=b"" if "request" in left_out else entry.content,
        answer=b"" if "answer" in left_out else entry.answer,
        comment="; ".join(filter(None, (entry.comment, *told))),
    )


def find_basic_password(credentials: str) -> str:
    """The password of an `Authorization` of the scheme Basic; empty for none."""
    scheme, _, encoded = credentials.partition(" ")
    if scheme.lower() != "basic":
        return ""
    with suppress(ValueError):
        return base64.b64decode(encoded.strip(), validate=True).decode().partition(":")[2]
    return ""


def join_headers(headers: tuple[tuple[str, str], ...]) -> dict[bytes, bytes]:
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        key, text = name.encode("latin-1", "replace"), value.encode("latin-1", "replace")
        joined[key] = joined[key] + (b"; " if key == b"cookie" else b", ") + text if key in joined else text
    return joined


def keep_body(content: bytes, content_type: str, value: Any, shown: Any, is_variables: bool) -> bytes:
    """A body's bytes as they are kept.

    Args:
        value: as it came, if it is JSON.
        shown: of it, without what the journal knows as a secret; None for none.
        is_variables: it is about environment variables and nothing else.
    """
    if shown is None:
        return b""
    if isinstance(shown, str) and is_variables:
        # What can't be read as JSON can't be told apart.
        return digest_secret(shown).encode()
    if isinstance(shown, str) and value is msgspec.UNSET:
        if shown == decode_text(content, content_type) == hide_written_variables(shown):
            return content
        return hide_written_variables(shown).encode()
    hidden = (
        hide_all(shown) if is_variables and isinstance(shown, dict) and "errors" not in shown else hide_variables(shown)
    )
    return content if hidden == value else msgspec.json.encode(hidden)


def hide_variables(value: Any) -> Any:
    """A value of JSON, with what environment variables hold hidden."""
    if isinstance(value, list):
        return [hide_variables(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: each if name == "links" else hide_all(each) if name.lower() in VARIABLES else hide_variables(each)
        for name, each in value.items()
    }


def hide_all(value: Any) -> Any:
    """A value of JSON, with every text and number in it hidden, but for links."""
    if isinstance(value, list):
        return [hide_all(each) for each in value]
    if isinstance(value, dict):
        return {name: each if name == "links" else hide_all(each) for name, each in value.items()}
    if value is None or isinstance(value, bool) or value == "":
        return value
    text = str(value)
    return text if text.startswith(REDACTED) else digest_secret(text)


def hide_written_variables(text: str) -> str:
    """A text that is no JSON, with what environment variables hold hidden; all of it where they can't be told apart.

    A manifest is YAML, in which the same can be written in many ways. So what a reader of YAML finds in it must not be
    in what is kept.
    """
    if not _MAY_NAME_VARIABLES.search(text):
        return text
    with suppress(ValueError, RecursionError):
        return msgspec.json.encode(hide_variables(msgspec.json.decode(text))).decode()
    try:
        data = node_to_data(read_nodes(text, "manifest"))
    except DocumentError:
        return digest_secret(text) if _NAMES_VARIABLES.search(text) else text
    kept: list[str] = []
    inside: int | None = None
    for line in text.splitlines(keepends=True):
        indent = len(line) - len(line.lstrip(" "))
        if inside is not None and (not line.strip() or indent > inside):
            continue
        found = _ENV_LINE.fullmatch(line)
        inside = None if found is None else len(found["before"])
        kept.append(line if found is None else f'{found["before"]}env: "{digest_secret(text)}"\n')
    written = "".join(kept)
    return digest_secret(text) if any(each in written for each in list_variables(data)) else written


def list_variables(value: Any, is_inside: bool = False) -> Iterator[str]:
    """What environment variables hold in a value, as text."""
    if isinstance(value, list):
        for each in value:
            yield from list_variables(each, is_inside)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from list_variables(each, is_inside or name.lower() in VARIABLES)
    elif is_inside and value not in (None, "", True, False):
        yield str(value)


def read_actor_of_claims(claims: dict[str, Any]) -> HarActor | None:
    """Who a token speaks for, by what it says of itself; None where it says nothing.

    Source: UAA, Token Claims: `user_name`, `user_id`, `scope`.
    """
    name, guid, scopes = claims.get("user_name"), claims.get("user_id"), claims.get("scope")
    if not isinstance(name, str) and not isinstance(scopes, list):
        return None
    return HarActor(
        name if isinstance(name, str) else "",
        guid if isinstance(guid, str) else "",
        tuple(each for each in scopes if isinstance(each, str)) if isinstance(scopes, list) else (),
    )
