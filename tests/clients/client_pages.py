"""docs/clients and docs/why.md: the tables of what was seen, and code that tests run. Runs no client."""

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

from tests.clients.failures import FAILURES, FailureSeen, read_observations
from tests.clients.tls_words import render_tls_words

HERE = Path(__file__).parent

PAGES = Path(__file__).parents[2] / "docs" / "clients"

FAILURES_PAGE = PAGES / "failures.md"

WHY_PAGE = PAGES.parent / "why.md"

FEW = (
    "scale: 409 once",
    "scale: 503 once, no Retry-After",
    "scale: 502 once, HTML of a gateway",
    "scale: answer lost: reset after the change",
    "scale: 401 once, code 1000",
    "terminate: answer lost: reset after the change",
)
"""The failures of the page that says why."""

LENGTH = 70
"""Characters of a client's words that fit in a cell of the page of all clients."""

_ALL = re.compile(r"(<!-- every client: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_CODE = re.compile(r"(<!-- code: (\w+) of (\S+) -->\n```\w+\n).*?(```)", re.DOTALL)
_FEW = re.compile(r"(<!-- few of every client -->\n).*?(<!-- end -->)", re.DOTALL)
_MARK = re.compile(r"<!-- (every client|one client|code): |<!-- every client of TLS -->")
_TLS = re.compile(r"(<!-- every client of TLS -->\n).*?(<!-- end -->)", re.DOTALL)
_ONE = re.compile(r"(<!-- one client: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

_AROUND = re.compile(
    r"(error )?executing \w+ request for \S+?( failed)?: |error executing request, failed during HTTP request send: "
    r"|Request error: | TIP: .*$| = \{.*$|Request ID: GUID |\w+ \"URL[^ ]*: |read tcp ADDRESS->ADDRESS: read: "
    r"|\('Connection aborted\.', (?=ConnectionReset|Remote|BadStatus)|net/http: HTTP/1\.x transport connection broken: "
)
"""What clients put around the words that tell one failure from another."""


def client_pages() -> list[Path]:
    """The pages that are written from here, in part."""
    marked = sorted(path for path in PAGES.glob("*.md") if _MARK.search(path.read_text(encoding="utf-8")))
    return [*marked, WHY_PAGE]


def render_page(path: Path) -> str:
    """The page with every table of failures written anew."""
    text = path.read_text(encoding="utf-8")
    text = _ALL.sub(lambda found: found.group(1) + "\n".join(rows_of_all(found.group(2))) + "\n" + found.group(3), text)
    text = _ONE.sub(lambda found: found.group(1) + "\n".join(rows_of_one(found.group(2))) + "\n" + found.group(3), text)
    text = _TLS.sub(lambda found: found.group(1) + "\n" + "\n".join(render_tls_words()) + "\n" + found.group(2), text)
    text = _FEW.sub(lambda found: found.group(1) + "\n".join(rows_of_few()) + "\n" + found.group(2), text)
    return _CODE.sub(lambda found: found.group(1) + read_region(*found.group(2, 3)) + found.group(4), text)


def read_region(name: str, path: str) -> str:
    """The lines of a file between the comments `[NAME]` and `[end]`, without what they are indented by."""
    text = (HERE / path).read_text(encoding="utf-8")
    found = re.search(rf"// \[{name}\]\n(.*?)[ \t]*// \[end\]", text, re.DOTALL)
    assert found is not None, f"{path} has no region {name}"
    return dedent(found.group(1)).replace("\t", "    ").strip("\n") + "\n"


def rows_of_all(call: str) -> Iterator[str]:
    """The table of one call: a row a failure, a column a client."""
    seen = read_observations()
    yield f"| {call} | {' | '.join(seen)} |"
    yield "|---" * (len(seen) + 1) + "|"
    for failure in FAILURES:
        if failure.call == call:
            cells = (short_cell(observed[failure.key]) for observed in seen.values())
            yield f"| {failure.name} | {' | '.join(cells)} |"


def rows_of_few() -> Iterator[str]:
    """The table of a few failures: how often each client sent the request, and what came of it, without its words."""
    seen = read_observations()
    yield f"| failure | {' | '.join(seen)} |"
    yield "|---" * (len(seen) + 1) + "|"
    for key in FEW:
        cells = (outcome_of(observed[key], "an error" * bool(observed[key].words)) for observed in seen.values())
        requests = (f"{observed[key].sent} → " for observed in seen.values())
        yield f"| {key} | {' | '.join(map(''.join, zip(requests, cells, strict=True))).replace('`', '')} |"


def rows_of_one(client: str) -> Iterator[str]:
    """The table of one client: a row a failure, with all of its words."""
    yield from ("| call | failure | requests | what you see |", "|---|---|---|---|")
    for failure in FAILURES:
        seen = read_observations()[client][failure.key]
        yield f"| {failure.call} | {failure.name} | {requests_of(seen)} | {outcome_of(seen, seen.words)} |"


def short_cell(seen: FailureSeen) -> str:
    words = _AROUND.sub("", seen.words)
    return f"{requests_of(seen)} → {outcome_of(seen, words if len(words) <= LENGTH else words[:LENGTH] + '…')}"


def requests_of(seen: FailureSeen) -> str:
    """How often it was sent, and whether the client waited as it was told."""
    told = {True: ", waits as told", False: ", waits less than told", None: ""}
    return f"{seen.sent}{told[seen.honoured]}"


def outcome_of(seen: FailureSeen, words: str) -> str:
    """The words, and what the world has kept that they do not say."""
    if not words:
        return "ok, **but done twice**" if seen.done > 1 else "ok"
    kept = {0: "", 1: ", **kept**"}.get(seen.done, ", **done twice**")
    return f"`{words.replace('|', chr(92) + '|')}`{kept}"
