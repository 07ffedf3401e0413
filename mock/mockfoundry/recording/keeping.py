"""Keeping: what of an exchange with a real foundation goes into a file. Never finds a secret itself: the journal does.

Beside what the journal hides, the values of environment variables and the parameters of services are hidden: on a real
foundation they hold whatever people have put there. So is a secret of an earlier exchange, wherever a later one repeats
it. A body that is no text is left out: nobody sees what is in an archive. So is one that nests too deep to be read.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec

from mockfoundry.documents.json import is_json_deeper, repeats_key
from mockfoundry.journal.entry import (
    NO_BODY,
    JournalEntry,
    RecordedRequest,
    RecordedResponse,
    decode_json_body,
    redact_entry,
)
from mockfoundry.journal.known_secrets import KnownSecrets, is_distinctive
from mockfoundry.journal.marks import DIGEST, MAX_REPEATED_SECRETS, MIN_REPEATED_LENGTH, digest_secret
from mockfoundry.journal.repeats import replace_repeats
from mockfoundry.journal.secret_names import is_secret_name, is_secret_setting, may_hold_secret
from mockfoundry.journal.written_bodies import decode_text
from mockfoundry.recording.har import HarActor, HarEntry, LeftOut
from mockfoundry.recording.written_yaml import UnreadableError, hide_in_yaml

MAX_NESTING = 200
"""How deep lists and mappings may lie in one another in a body."""

VARIABLES = frozenset(
    (
        *("var", "env", "environment_variables", "staging_env_json", "running_env_json", "environment_json"),
        *("system_env_json", "application_env_json", "vcap_services", "vcap_application", "parameters"),
    )
)
"""Fields that hold environment variables, or what a service is given."""

_OF_VARIABLES = re.compile(
    r"/(?:env|environment_variables|parameters|credentials|passcode)/?$|/v2/config/environment_variable_groups/[^/]+$",
    re.IGNORECASE,
)
"""Paths whose bodies hold nothing else, or a code to log in with."""

_REVOKED = re.compile(r"/oauth/token/revoke/(?!user/|client/)([^/]+)")
"""A path that ends with a token [UAA, Revoke a single token]."""

_URL_SIGNS = "%/?:@!$&'()*+,;=-._~"
_FORM_PAIR = re.compile(rf"(?<![^&])({'|'.join(sorted(VARIABLES))})=(?!\[redacted )([^&\s]+)", re.IGNORECASE)
# A key may be written with escapes, and its value stand elsewhere by an anchor.
_MAY_NAME_VARIABLES = re.compile(r"env|var|vcap|param|\\[xuU]", re.IGNORECASE)
_NAMES_VARIABLES = re.compile(
    rf"(?<![A-Za-z_])(?:{'|'.join(sorted(VARIABLES))})[\"']?\s*:|\?\s*[\"']?env|\\[xuU]|[*&][A-Za-z]", re.IGNORECASE
)


class SecretKeeper:
    """Removes secrets from exchanges, in the order in which they end, and remembers them for the next.

    Attributes:
        known: every secret so far.
    """

    def __init__(self) -> None:
        self.known = KnownSecrets()

    def redact(self, entry: HarEntry) -> HarEntry:
        """The exchange without its secrets."""
        entry = leave_out_unreadable(entry)
        entry = msgspec.structs.replace(
            entry,
            content=self._hide_written(entry.content, entry.header("content-type")),
            answer=self._hide_written(entry.answer, entry.answer_header("content-type")),
        )
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
        is_of_variables = _OF_VARIABLES.search(parts.path) is not None
        self.known.add(filter(is_distinctive, list_variables([journaled.body, answer.value], is_of_variables)))
        self.known.add([unquote(parts.password or parts.username or ""), *map(unquote, _REVOKED.findall(parts.path))])
        shown = redact_entry(journaled, self.known)
        _, mark, query = shown.address.partition("?")
        return msgspec.structs.replace(
            entry,
            url=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{quote(shown.target + mark + query, _URL_SIGNS)}",
            headers=tuple(shown.headers.items()),
            content=keep_body(entry.content, entry.header("content-type"), journaled.body, shown.body, is_of_variables),
            answer_headers=tuple(shown.answer_headers.items()),
            answer=keep_body(
                entry.answer,
                entry.answer_header("content-type"),
                answer.value,
                shown.answer,
                is_of_variables and not (entry.status >= 400 and is_error(answer.value)),
            ),
            comment=shown.redactor.finish_text(shown.redactor.redact_text(entry.comment)),
        )

    def may_repeat(self, entry: HarEntry) -> bool:
        """Whether one of the secrets so far may still stand in an exchange that was redacted before."""
        bodies = (entry.content, entry.answer)
        if any(b"\\" in body or b"\x00" in body for body in bodies):
            # With escapes, or in another encoding, it can be written in any way.
            return True
        headers = (text for header in (*entry.headers, *entry.answer_headers) for text in header)
        texts = (
            unquote(entry.url),
            entry.url,
            entry.comment,
            *headers,
            *(body.decode("utf-8", "replace") for body in bodies),
        )
        return any(map(self.known.may_stand_in, texts))

    def _hide_written(self, content: bytes, content_type: str) -> bytes:
        if not content or decode_json_body(content, content_type) is not NO_BODY:
            return content
        text = decode_text(content, content_type)
        if text is None:
            return content
        hidden, secrets = hide_written(text, content_type)
        self.known.add(secrets)
        return content if hidden == text else hidden.encode()


def is_error(value: Any) -> bool:
    """Whether a body is one that says what went wrong, in the form of version 2 or 3 of the API."""
    return isinstance(value, dict) and ("errors" in value or "error_code" in value)


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


def leave_out_unreadable(entry: HarEntry) -> HarEntry:
    """An exchange without the bodies that are no text, or nest too deep, which its comment then says."""
    sides: list[tuple[str, bytes, str]] = [
        ("request", entry.content, entry.header("content-type")),
        ("answer", entry.answer, entry.answer_header("content-type")),
    ]
    left_out = {whose: why for whose, content, content_type in sides if (why := why_left_out(content, content_type))}
    if not left_out:
        return entry
    told = [f"the {whose}'s body is left out: {_WORDS[why]}" for whose, why in left_out.items()]
    return msgspec.structs.replace(
        entry,
        content=b"" if "request" in left_out else entry.content,
        answer=b"" if "answer" in left_out else entry.answer,
        comment="; ".join(filter(None, (entry.comment, *told))),
        left_out=entry.left_out.union(left_out.values()),
    )


_WORDS = {LeftOut.DEEP: f"it nests deeper than {MAX_NESTING}", LeftOut.NO_TEXT: "it is no text"}


def why_left_out(content: bytes, content_type: str) -> LeftOut | None:
    """Why a body is not kept, None where it is."""
    if is_json_deeper(content, MAX_NESTING):
        return LeftOut.DEEP
    return None if is_text(content, content_type) else LeftOut.NO_TEXT


def join_headers(headers: tuple[tuple[str, str], ...]) -> dict[bytes, bytes]:
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        key, text = name.encode("latin-1", "replace"), value.encode("latin-1", "replace")
        joined[key] = joined[key] + (b"; " if key == b"cookie" else b", ") + text if key in joined else text
    return joined


def keep_body(content: bytes, content_type: str, value: Any, shown: Any, is_of_variables: bool) -> bytes:
    """A body's bytes as they are kept.

    Args:
        value: as it came, if it is JSON.
        shown: of it, without what the journal knows as a secret; None for none.
        is_of_variables: it holds environment variables, or what a service is given, and nothing else.
    """
    if shown is None:
        return b""
    if isinstance(shown, str) and is_of_variables:
        # What can't be read as JSON can't be told apart.
        hidden = hide_all(shown)
        return hidden.encode() if value is msgspec.UNSET else msgspec.json.encode(hidden)
    if isinstance(shown, str) and value is msgspec.UNSET:
        return content if shown == decode_text(content, content_type) else shown.encode()
    hidden = hide_body(shown) if is_of_variables else hide_variables(shown)
    return content if hidden == value and says_once(content, value) else msgspec.json.encode(hidden)


def says_once(content: bytes, value: Any) -> bool:
    """Whether nothing stands in a body but what was read of it: of a name that comes twice only the last is."""
    try:
        return not repeats_key(content, value)
    except ValueError:
        # Python's own reader takes no number of thousands of digits.
        return False


def hide_variables(value: Any) -> Any:
    """A value of JSON, with what environment variables hold hidden."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        return hide_written_variables(value)
    if isinstance(value, list):
        return [hide_variables(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: each
        if name == "links" and are_links(each)
        else (hide_all(each) if name.lower() in VARIABLES else hide_variables(each))
        for name, each in value.items()
    }


def hide_body(value: Any) -> Any:
    """A body of variables, with all hidden but for its own links."""
    if not isinstance(value, dict):
        return hide_all(value)
    return {name: each if name == "links" and are_links(each) else hide_all(each) for name, each in value.items()}


def are_links(value: Any) -> bool:
    """Whether a value is what the Cloud Controller has in `links`."""
    return isinstance(value, dict) and all(isinstance(each, dict) and "href" in each for each in value.values())


def hide_all(value: Any) -> Any:
    """A value of JSON, with every text and number in it hidden."""
    if isinstance(value, list):
        return [hide_all(each) for each in value]
    if isinstance(value, dict):
        return {name: hide_all(each) for name, each in value.items()}
    if value is None or isinstance(value, bool) or value == "":
        return value
    text = str(value)
    return text if DIGEST.fullmatch(text) else digest_secret(text)


def hide_written_variables(text: str) -> str:
    """A text that is no JSON, with what environment variables hold hidden; all of it where they can't be told apart."""
    return hide_written(text, "")[0]


def hide_written(text: str, content_type: str) -> tuple[str, list[str]]:
    """The same, and the secrets in it that are to be remembered.

    A manifest is YAML, in which a secret may be written in many ways that the journal does not know.
    """
    if not _MAY_NAME_VARIABLES.search(text) and not (":" in text and may_hold_secret(text)):
        return text, []
    text = _FORM_PAIR.sub(lambda found: f"{found[1]}={digest_secret(found[2])}", text)
    if "x-www-form-urlencoded" in content_type or text.lstrip()[:1] == "<":
        return text, []
    with suppress(ValueError, RecursionError):
        value = msgspec.json.decode(text)
        hidden = msgspec.json.encode(hide_variables(value)).decode()
        return hidden, list(filter(is_distinctive, list_variables(value)))
    try:
        hidden, found = hide_in_yaml(text, is_hidden_in_yaml)
    except UnreadableError:
        is_broken_yaml = "yaml" in content_type.lower() and may_hold_secret(text)
        return digest_secret(text) if is_broken_yaml or _NAMES_VARIABLES.search(text) else text, []
    secrets = [secret for name, secret in found if is_secret_name(name) or is_distinctive(secret)]
    # What is long enough is known from here on, however many there are.
    for secret in islice(secrets, MAX_REPEATED_SECRETS):
        if len(secret) >= MIN_REPEATED_LENGTH:
            hidden = replace_repeats(hidden, secret, digest_secret(secret))
    return hidden, secrets


def is_hidden_in_yaml(name: str, beside: Mapping[str, Any]) -> bool:
    """Whether the value of a name in YAML is hidden: of a secret, of variables, of a setting that is a secret."""
    return is_secret_name(name) or name.lower() in VARIABLES or (name == "value" and is_secret_setting(beside))


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
