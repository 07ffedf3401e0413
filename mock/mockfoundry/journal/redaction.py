"""Redaction: what a client sent and got, without the secrets in it. The only room that hides one; never judges.

Secrets are found by the names before them, wherever these stand: in headers, cookies, queries, addresses, forms, JSON
(nested, broken off, or under another content type), XML, lines of settings. A token in the form of a JWT, and who signs
in by an address, are found by their form. What was found is then looked for once more in everything that is shown of
the exchange, since answers, reasons and near misses repeat what was sent.

All of this is done when an exchange is read. Recording one costs nothing.
"""

import base64
import re
from collections.abc import Callable, Container, Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from mockfoundry.documents.quoting import quote_line
from mockfoundry.journal import written_forms
from mockfoundry.journal.marks import (
    BINARY_MARK,
    DIGEST,
    MARK,
    SecretMarks,
    clear_marks,
    decode_around_marks,
    quote_around_marks,
)
from mockfoundry.journal.public_words import (
    CHALLENGE_HEADERS,
    COOKIE_ATTRIBUTES,
    PUBLIC_CHALLENGE_PARAMETERS,
    PUBLIC_GRANTS,
    SCHEMES,
)
from mockfoundry.journal.repeats import is_plain_word
from mockfoundry.journal.secret_names import (
    is_secret_field,
    is_secret_name,
    is_secret_parameter,
    is_secret_setting,
    may_be_condition,
    may_hold_secret,
)
from mockfoundry.journal.written_bodies import decode_name, decode_text, find_value_end, iterate_leaves

MAX_DECODINGS = 4
"""How often a value is decoded that has an address in it, which has another one in it."""


class Redactor(SecretMarks):
    """Redacts the parts of one exchange, and remembers the secrets in them.

    What its methods return has marks in place of secrets. When all parts are read, `finish` replaces these marks, and
    what repeats a secret elsewhere.
    """

    _decodings = 0

    def redact_credentials(self, text: str) -> str:
        """Credentials: `Bearer` and the like stay, what is behind them is hidden."""
        scheme, blank, rest = text.partition(" ")
        if not blank or scheme.lower() not in SCHEMES:
            return self.hide(text)
        credentials = rest.strip()
        mark = self.hide(credentials)
        if scheme.lower() == "basic":
            with suppress(ValueError):
                self.hide(base64.b64decode(credentials, validate=True).decode().partition(":")[2])
        return f"{scheme} {mark}"

    def redact_challenges(self, text: str) -> str:
        """What a `WWW-Authenticate` says: schemes and what is for everybody stay."""
        return written_forms.CHALLENGE.sub(self._redact_challenge, text)

    def _redact_challenge(self, found: re.Match[str]) -> str:
        text = found[0]
        if parameter := written_forms.CHALLENGE_PARAMETER.fullmatch(text):
            value, at = parameter["value"], parameter.start("value")
            is_public = parameter["name"].lower() in PUBLIC_CHALLENGE_PARAMETERS
            shown = self._redact_encoded(value) if is_public else self._hide_inside(value)
            return f"{text[:at]}{shown}{text[at + len(value) :]}"
        bare = text.strip()
        return text if not bare or bare.lower() in SCHEMES else text.replace(bare, self.redact_credentials(bare), 1)

    def redact_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
        """Headers as text; a repeated one's values with commas between."""
        redacted: dict[str, str] = {}
        for name, value in headers:
            key = name.decode("latin-1")
            text = self.redact_header(key, value.decode("latin-1"))
            redacted[key] = f"{redacted[key]}, {text}" if key in redacted else text
        return redacted

    def redact_header(self, name: str, text: str) -> str:
        """The value of a header; the name is in lower case."""
        if name == "cookie":
            return ";".join(self._redact_cookie(part) for part in text.split(";"))
        if name == "set-cookie":
            first, *attributes = text.split(";")
            return ";".join((self._redact_cookie(first), *map(self._redact_cookie_attribute, attributes)))
        if name in CHALLENGE_HEADERS:
            return self.redact_challenges(text)
        return self.redact_credentials(text) if is_secret_name(name) else self._redact_encoded(text)

    def _redact_cookie(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        if not equals:
            return self._hide_inside(pair)
        return f"{name}={self._hide_inside(value)}"

    def _redact_cookie_attribute(self, text: str) -> str:
        is_known = text.partition("=")[0].strip().lower() in COOKIE_ATTRIBUTES
        return text if is_known else self._redact_cookie(text)

    def _hide_inside(self, text: str) -> str:
        """Hides a text without the blanks and quotes around it."""
        inside = text.strip()
        if len(inside) > 1 and inside[0] in "\"'" and inside[-1] == inside[0]:
            inside = inside[1:-1]
        elif inside[:1] in ('"', "'"):
            inside = inside[1:]
        return text.replace(inside, self.hide(inside), 1) if inside else text

    def redact_query(self, query_string: bytes) -> dict[str, list[str]]:
        """A query as its parameters."""
        query: dict[str, list[str]] = {}
        pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, errors="replace")
        for name, value in (map(clear_marks, pair) for pair in pairs):
            if is_secret_parameter(name, value):
                shown = self.hide(value) if is_secret_name(name) else self.hide_for_place(value)
            else:
                shown = self._redact_condition(name, value)
            query.setdefault(self.redact_text(name), []).append(shown)
        return query

    def redact_path(self, path: str) -> str:
        """A path as it came, whose segments may have parameters: `/a;token=…`."""
        return "/".join(map(self._redact_encoded, path.split("/")))

    def redact_pairs(self, text: str) -> str:
        """A query or a form as its text, which stays as it was written but for the secrets."""
        return "&".join(map(self._redact_pair, text.split("&")))

    def _redact_pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        if equals and is_secret_parameter(name, value):
            shown = self.keep(name) if is_plain_word(name) else self._redact_encoded(name)
            return f"{shown}={self._hide_encoded(name, value)}"
        if name == "grant_type" and value in PUBLIC_GRANTS:
            return f"{name}={self.keep(value)}"
        return f"{self._redact_encoded(name)}{equals}{self._redact_encoded_condition(name, value)}"

    def _redact_condition(self, name: str, text: str) -> str:
        """The value of a parameter, which may have conditions: `password:…`, `token in (…)`."""
        if may_hold_secret(text) and may_be_condition(name):
            text = self._redact_conditions(text)
        if "%" in text and self._decodings < MAX_DECODINGS:
            self._decodings += 1
            redacted = self._redact_encoded_condition(name, text)
            self._decodings -= 1
            return redacted
        return self._redact_encoded(text)

    def _redact_conditions(self, text: str) -> str:
        parts: list[str] = []
        done = at = 0
        while found := written_forms.FILTER.search(text, at):
            at = found.start("value")
            if is_secret_name(found["name"]):
                parts += (text[done:at], self.hide_for_place(found["value"]))
                done = at = found.end()
        return "".join((*parts, text[done:])) if parts else text

    def _redact_encoded_condition(self, name: str, text: str) -> str:
        """The same as it is written in a query."""
        decoded = decode_around_marks(text)
        redacted = self._redact_condition(name, decoded)
        return text if redacted == decoded else quote_around_marks(redacted)

    def _hide_encoded(self, name: str, text: str) -> str:
        """Hides a value of a URL, which may be repeated decoded."""
        decoded = decode_around_marks(text)
        mark = self.hide(decoded) if is_secret_name(name) else self.hide_for_place(decoded)
        self.remember(text, mark)
        return mark

    def _redact_encoded(self, text: str) -> str:
        redacted = self.redact_text(text)
        if redacted != text or "%" not in text or self._decodings == MAX_DECODINGS:
            return redacted
        self._decodings += 1
        decoded = decode_around_marks(text)
        redacted = self._redact_encoded(decoded)
        self._decodings -= 1
        return text if redacted == decoded else quote_around_marks(redacted)

    def _redact_inside(self, text: str) -> str:
        """The value of a pair, which may be an address with pairs of its own."""
        if self._decodings == MAX_DECODINGS:
            return text
        self._decodings += 1
        redacted = self._redact_encoded(text)
        self._decodings -= 1
        return redacted

    def redact_body(self, content: bytes, content_type: str, value: Any) -> Any:
        """A body as a value, as text if it is not JSON, None if there is none.

        Args:
            value: of JSON, msgspec.UNSET if it is none.
        """
        if not content:
            return None
        if value is not msgspec.UNSET:
            # What nests too deep for this is redacted as text.
            with suppress(RecursionError):
                if not may_hold_secret(content.decode("latin-1")):
                    return value
                # The signs of marks are written with three bytes, or with an escape.
                may_have_marks = b"\xef\xb7" in content or b"\\" in content
                return self.redact_value(clear_marks(value) if may_have_marks else value)
        text = decode_text(content, content_type)
        if text is not None:
            return self.redact_body_text(text, content_type)
        return BINARY_MARK + self.redact_body_text(content.decode("latin-1"), "")

    def redact_body_text(self, text: str, content_type: str) -> str:
        """A body's text, which stays as it was written but for the secrets."""
        text = clear_marks(text)
        if "x-www-form-urlencoded" in content_type:
            return self.redact_pairs(self._redact_quoted_names(text))
        if not may_hold_secret(text):
            return text
        text = written_forms.PART.sub(self._hide_value_of(is_secret_field), text)
        return self._redact_lines(self._redact_hinted(text))

    def redact_value(self, value: Any) -> Any:
        """A value of JSON, however deep its secrets lie."""
        if isinstance(value, str):
            return self._redact_encoded(value)
        if isinstance(value, list):
            return [self.redact_value(each) for each in value]
        if not isinstance(value, dict):
            return value
        if is_secret_setting(value):
            value = {**value, "value": self._hide_field("", value["value"])}
        return {self.redact_text(name): self.redact_field(name, each) for name, each in value.items()}

    def redact_field(self, name: str, value: Any) -> Any:
        """The value of a field: hidden whole where the name says that it is a secret."""
        return self._hide_field(name, value) if is_secret_field(name) else self.redact_value(value)

    def _hide_field(self, name: str, value: Any) -> Any:
        if isinstance(value, str):
            return self.hide(value)
        if value is None or isinstance(value, bool) or value in ({}, []):
            return value
        if isinstance(value, int | float):
            # The code of an error is a number, the code of a login is text; tokens may be a quantity.
            return value if name.lower() == "code" or name.lower().endswith("tokens") else self.hide(str(value))
        if name.lower() == "code" or is_reference(value):
            return self.redact_value(value)
        mark = self.hide(msgspec.json.encode(value).decode())
        # What is a secret in it by its own name is one wherever it is repeated.
        self.redact_value(value)
        for leaf in iterate_leaves(value):
            self.remember(leaf, mark)
        return mark

    def redact_text(self, text: str) -> str:
        """Text in which a secret may stand with a name before it, or in the form of one."""
        return self._redact_hinted(text) if may_hold_secret(text) else text

    def _redact_hinted(self, text: str) -> str:
        if "[redacted " in text:
            text = DIGEST.sub(lambda found: self.keep(found[0]), text)
        text = self._redact_forms(text)
        text = written_forms.SCHEME_IN_TEXT.sub(lambda found: f"{found[1]} {self.hide(found[2])}", text)
        if ":" in text:
            text = self._redact_quoted_names(text)
            text = self._redact_flow(text)
            if "-H" in text or "--header" in text:
                text = written_forms.HEADER_FLAG.sub(self._hide_value_of(is_secret_name), text)
            text = written_forms.HEADER_IN_TEXT.sub(self._redact_header_in_text, text)
        if "<" in text:
            text = written_forms.TAG.sub(self._redact_tag, text)
            text = written_forms.replace_cdata(text, is_secret_field, self._hide_inside)
            text = written_forms.ELEMENT.sub(self._hide_value_of(is_secret_field), text)
        if "curl" in text:
            text = written_forms.CURL_USER.sub(self._hide_curl_password, text)
        if "=" in text:
            text = written_forms.PAIR.sub(self._redact_found_pair, text)
        return written_forms.FLAG.sub(self._hide_value_of(is_secret_name), text) if "--" in text else text

    def _redact_header_in_text(self, found: re.Match[str]) -> str:
        if found["whole"] is None:
            is_told = is_secret_name(found["name"]) and not is_plain_word(found["value"])
            return self._hide_value(found) if is_told and not MARK.search(found["value"]) else found[0]
        if MARK.search(found["line"]):
            return found[0]
        before = found.string[found.start() : found.start("line")]
        return before + self.redact_header(found["whole"].lower(), found["line"])

    def _redact_tag(self, found: re.Match[str]) -> str:
        """A tag of HTML or XML whose value may be a secret: `<input name="csrf" value="…">`."""
        name = written_forms.TAG_NAME.search(found[0])
        if name is None or not is_secret_field(name["name"]):
            return found[0]
        return written_forms.TAG_VALUE.sub(self._hide_value, found[0])

    def _redact_forms(self, text: str) -> str:
        """Text without what is a secret by its form."""
        text = written_forms.TOKEN.sub(lambda found: self.hide(found[0]), text)
        if "-----BEGIN" in text:
            text = written_forms.PRIVATE_KEY.sub(self._hide_value, text)
        if "eyJ" in text:
            text = written_forms.JWT.sub(lambda found: self.hide(found[0]), text)
        if "@" in text:
            text = written_forms.USER_INFO.sub(lambda found: self.hide(found[0]), text)
            text = written_forms.ORACLE_USER.sub(self._hide_value, text)
            text = written_forms.GO_USER.sub(self._hide_value, text)
        return text

    def _redact_found_pair(self, found: re.Match[str]) -> str:
        name, value = found["name"], found["value"]
        head = found.string[found.start() : found.start("value")]
        if found.string[found.start() - 1 : found.start()] in ("?", "&", "#", ";"):
            if is_secret_parameter(name, value):
                value, hash_sign, fragment = value.partition("#")
                return f"{head}{self._hide_encoded(name, value)}{hash_sign}{self.redact_text(fragment)}"
        elif is_secret_name(name):
            return self._hide_value(found)
        if value[:1] in ("'", '"'):
            return f"{head}{value[0]}{self._redact_pairs_in(value[1:])}"
        return f"{head}{self._redact_inside(value)}" if "%" in value or "=" in value else found[0]

    def _redact_pairs_in(self, text: str) -> str:
        """A value in quotes, with its last quote: `DSN="Server=a;Password=…"`."""
        return written_forms.PAIR.sub(self._redact_found_pair, text) if "=" in text else self._redact_encoded(text)

    def _hide_curl_password(self, found: re.Match[str]) -> str:
        group = "quoted" if found["quote"] else "value"
        return f"{found.string[found.start() : found.start(group)]}{self.hide(found[group])}"

    def _hide_value_of(self, is_secret: Callable[[str], bool]) -> Callable[[re.Match[str]], str]:
        """What replaces a match with a name and a value: the same with the value hidden, if the name is a secret's."""
        return lambda found: self._hide_value(found) if is_secret(found["name"]) else found[0]

    def _hide_value(self, found: re.Match[str]) -> str:
        before = found.string[found.start() : found.start("value")]
        return f"{before}{self._hide_inside(found['value'])}{found.string[found.end('value') : found.end()]}"

    def _redact_lines(self, text: str) -> str:
        """Text whose lines may be settings or headers: `password: …`, or have a secret's lines below."""
        return written_forms.replace_blocks(
            written_forms.LINE.sub(self._redact_line, text), is_secret_name, self._hide_inside
        )

    def _redact_line(self, found: re.Match[str]) -> str:
        name, value = found["name"], found["value"]
        if name.lower() in CHALLENGE_HEADERS:
            return found.string[found.start() : found.start("value")] + self.redact_challenges(value)
        if not is_secret_name(name) or is_hidden(value) or value.strip() in ("null", "true", "false"):
            return found[0]
        if written_forms.EMPTY_BRACKETS.fullmatch(value) or written_forms.BLOCK_SIGN.fullmatch(value):
            return found[0]
        if " " in value and value.partition(" ")[0].lower() in SCHEMES:
            return f"{found.string[found.start() : found.start('value')]}{self.redact_credentials(value)}"
        return self._hide_value(found)

    def _redact_flow(self, text: str) -> str:
        """Text with pairs in the brackets of YAML: `{name: value}`, in which there may be others."""
        parts: list[str] = []
        done = at = 0
        while head := written_forms.FLOW_NAME.search(text, at):
            at = head.end()
            if not is_secret_name(head["name"]):
                continue
            if text[at : at + 1] in ("{", "["):
                end = find_value_end(text, at, '"')
                is_found = not MARK.search(text, at, end) and not written_forms.EMPTY_BRACKETS.fullmatch(text, at, end)
                hidden = self.hide(text[at:end]) if is_found else text[at:end]
                parts += (text[done:at], hidden)
                done = at = end
            elif found := written_forms.FLOW.match(text, head.start()):
                parts += (text[done : found.start()], self._redact_line(found))
                done = at = found.end()
        return "".join((*parts, text[done:])) if parts else text

    def _redact_quoted_names(self, text: str) -> str:
        """Text with JSON in it, whole or broken off, in quotes of any kind, or in a string of other JSON."""
        parts: list[str] = []
        done = at = 0
        while found := written_forms.QUOTED_NAME.search(text, at):
            at = found.end()
            name = decode_name(found[2])
            if not is_secret_field(name):
                continue
            end = find_value_end(text, at, found[1])
            hidden = self._hide_json_text(name, text[at:end], found[1])
            parts += (text[done:at], hidden)
            done = at = max(end, at)
        return "".join((*parts, text[done:])) if parts else text

    def _hide_json_text(self, name: str, text: str, quote_sign: str) -> str:
        if text.startswith(quote_sign):
            inside = text[len(quote_sign) :]
            is_whole = inside.endswith(quote_sign)
            inside = inside.removesuffix(quote_sign)
            mark = self.hide(decode_name(inside))
            self.remember(inside, mark)
            return f"{quote_sign}{mark}{quote_sign if is_whole else ''}"
        if text[:1] in ("{", "["):
            return self._hide_json_brackets(name, text, quote_sign)
        is_number = name.lower() == "code" or name.lower().endswith("tokens")
        if text in ("", "null", "true", "false") or (is_number and re.fullmatch(r"[\d.eE+-]+", text)):
            return text
        return f"{quote_sign}{self.hide(text)}{quote_sign}"

    def _hide_json_brackets(self, name: str, text: str, quote_sign: str) -> str:
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            mark = self.hide(text)
            for found in written_forms.JSON_STRING.finditer(text):
                self.remember(decode_name(found[1]), mark)
            return f"{quote_sign}{mark}{quote_sign}"
        hidden = self._hide_field(name, value)
        if isinstance(hidden, str):
            return f"{quote_sign}{hidden}{quote_sign}"
        return text if hidden == value else msgspec.json.encode(hidden).decode()

    def redact_own_text(self, text: str, words: Container[str] = ()) -> str:
        """Text of mockfoundry's own about the exchange, as it is shown.

        Args:
            words: that stand there anyway.
        """
        return self.finish_text(self._redact_forms(text), words)

    def redact_sentence(self, text: str) -> str:
        """A sentence of mockfoundry's own, as it is shown.

        A password may be one of its words (`wrong`, `password`): without it, a reader would know that it is.
        """
        words = {secret for secret, _ in self.list_repeats() if is_plain_word(secret)}
        quoted = (found for found in words if f"'{found}'" in text or f'"{found}"' in text)
        return self.redact_own_text(text, words.difference(quoted))


def is_hidden(text: str) -> bool:
    """Whether there is nothing but marks in a value, and what says how they are to be read."""
    rest, count = MARK.subn("", text)
    return count > 0 and (rest.strip().lower() in SCHEMES or not any(map(str.isalnum, rest)))


def is_reference(value: Any) -> bool:
    """Whether a value only leads to something, as links and relationships of the Cloud Controller do."""
    match value:
        case {"href": str(), **rest}:
            return rest.keys() <= {"method", "meta"}
        case {"data": None | {"guid": str()}}:
            return len(value) == 1
    return False


def redact_line(text: str) -> str:
    """A text that belongs to no exchange that can be read, as a line of a log."""
    redactor = Redactor()
    return quote_line(redactor.finish_text(redactor.redact_value(text)))


def redact_named_value(name: str, value: Any) -> Any:
    """A value of JSON of that name that belongs to no exchange, as it is shown."""
    redactor = Redactor()
    return redactor.finish(redactor.redact_field(name, value))
