"""What clients say of each fault of TLS: docs/clients/tls.md has the words of each, and they are what it says here."""

import os
import shutil
import ssl
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import IO, cast

import httpx
import pytest
import requests

from mockfoundry.client.server import Server
from tests.clients.tls_words import HTTP_TO_HTTPS, HTTPS_TO_HTTP, TLS_CASES, TLS_WORDS, UNTRUSTED, has_words
from tests.serving import ADMIN, serving
from tests.waiting import eventually

pytestmark = pytest.mark.long

PROGRAMS = Path(__file__).parent / "tls"

PATIENCE = 3
"""Seconds that each client waits, also those of the programs: a handshake that hangs takes so long, and no other one
may on a busy machine."""

Ask = Callable[[bool, str], str]
"""Asks by a client: whether it trusts the authority, and a URL. Gives what the client says."""


def without_authority() -> dict[str, str]:
    """Variables of a process that trusts whom the system trusts."""
    return {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(tls=True, in_thread=True) as started:
        yield started


@pytest.fixture(scope="module")
def plain_url() -> Iterator[str]:
    with serving() as plain:
        yield plain.url


def curl(authority: str, trusts: bool, url: str) -> str:
    words = ["curl", "-sS", "--max-time", str(PATIENCE), "--output", os.devnull, "--write-out", "%{http_code}"]
    words += ["--header", "Authorization: bearer admin", *(("--cacert", authority) if trusts else ()), url]
    done = subprocess.run(words, capture_output=True, text=True, env=without_authority(), timeout=60)
    return done.stderr or done.stdout


def by_requests(authority: str, trusts: bool, url: str) -> str:
    with requests.Session() as session:
        session.trust_env = False
        return str(session.get(url, headers=ADMIN, verify=authority if trusts else True, timeout=PATIENCE).status_code)


def by_httpx(authority: str, trusts: bool, url: str) -> str:
    context = ssl.create_default_context(cafile=authority if trusts else None)
    with httpx.Client(verify=context, trust_env=False) as client:
        return str(client.get(url, headers=ADMIN, timeout=PATIENCE).status_code)


def by_urllib(authority: str, trusts: bool, url: str) -> str:
    context = ssl.create_default_context(cafile=authority if trusts else None)
    request = urllib.request.Request(url, headers=ADMIN)
    with urllib.request.urlopen(request, timeout=PATIENCE, context=context) as answer:
        answer.read()
        return str(answer.status)


def telling(ask: Callable[[str, bool, str], str], authority: str) -> Ask:
    """Asks by a client of Python's; an error is said as a traceback ends."""

    def tell(trusts: bool, url: str) -> str:
        try:
            return ask(authority, trusts, url)
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    return tell


@contextmanager
def running(*command: str) -> Iterator[Ask]:
    """A program that reads lines of what to ask, and answers each with a line."""
    program = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=without_authority()
    )
    read, write = cast("IO[str]", program.stdout), cast("IO[str]", program.stdin)

    def ask(trusts: bool, url: str) -> str:
        write.write(f"{'trusting' if trusts else 'alone'} {url}\n")
        write.flush()
        return read.readline()

    with program:
        yield ask


def open_client(name: str, authority: str, folder: Path, ending: ExitStack) -> Ask:
    """A client, which is ended with the block."""
    if name == "go":
        if shutil.which("go") is None:
            pytest.skip("NO GO HERE: what net/http says of TLS was not tried")
        program = folder / "ask"
        subprocess.run(["go", "build", "-o", program, PROGRAMS / "main.go"], check=True, timeout=600)
        return ending.enter_context(running(str(program), authority))
    if name == "java":
        if shutil.which("javac") is None:
            pytest.skip("NO JVM HERE: what HttpClient says of TLS was not tried")
        return ending.enter_context(running("java", str(PROGRAMS / "Ask.java"), authority))
    if name == "node":
        if shutil.which("node") is None:
            pytest.skip("NO NODE HERE: what node:https says of TLS was not tried")
        return ending.enter_context(running("node", str(PROGRAMS / "ask.mjs"), authority))
    python = {"curl": curl, "requests": by_requests, "httpx": by_httpx, "urllib": by_urllib}
    return ending.enter_context(nullcontext(telling(python[name], authority)))


@pytest.mark.parametrize("client", TLS_WORDS)
def test_a_client_says_what_the_page_says(client: str, server: Server, plain_url: str, tmp_path: Path) -> None:
    foundation = server.foundation("default")
    url = f"{server.url.replace('127.0.0.1', 'localhost')}/v3/processes"
    other_urls = {
        HTTP_TO_HTTPS: url.replace("https:", "http:"),
        HTTPS_TO_HTTP: f"{plain_url.replace('http://127.0.0.1', 'https://localhost')}/v3/processes",
    }
    said = {}
    with ExitStack() as ending:
        ask = open_client(client, server.authority, tmp_path, ending)
        # A machine that has just begun to speak TLS may need longer than the clients are patient.
        eventually(lambda: has_words(ask(True, url), "200"), what=f"{client} is served")
        for case in TLS_CASES:
            if case.startswith("tls-"):
                foundation.play(case)
            said[case] = ask(case != UNTRUSTED, other_urls.get(case, url)).strip()
            foundation.stop_all()
        assert has_words(ask(True, url), "200")
    assert {case: words for case, words in said.items() if not has_words(words, TLS_WORDS[client][case])} == {}
