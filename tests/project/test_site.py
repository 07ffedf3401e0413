"""The documentation's site: it is built whole, can be used by everybody, and finds what people look for."""

import functools
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.console.pictures import CHROMIUM, running_chromium
from tests.project.pages import ROOT

pytestmark = pytest.mark.long
in_chromium = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here")

KINDS = (
    *("index", "why", "recipes/lost-response", "my-test-fails", "seed-file", "command-line", "python-api"),
    *("performance", "comparison"),
)
"""A page of each kind: a change to one of the others has hardly anything that none of these has."""

FOUND = {
    "--tls": "command-line.html#--tls",
    "--store": "command-line.html#--store",
    "serve --door": "command-line.html#--door",
    "409": "my-test-fails.html#409-cf-conflict",
    "CF-Conflict": "my-test-fails.html#409-cf-conflict",
    "Mock-NoTls": "my-test-fails.html#Mock-NoTls",
    "X-Mock-Foundation": "world.html#X-Mock-Foundation",
    "cf scale": "clients/cf.html",
    "Retry-After": "command-line.html#--honours-retry-after",
    "mock_server": "python.html#mock_server",
    "pytest": "python.html",
    "connection reset": "recipes/connection-reset.html",
}
"""What people look for, and where the first page that is found leads: the page, or the place on it that fits best."""


SHORTEN = """for (const each of document.querySelectorAll("article > *, tbody > *")) {
    if ([...each.parentNode.children].indexOf(each) >= 8) each.classList.add("left-out")
}
document.querySelectorAll(".left-out").forEach((each) => each.remove())"""


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built. Strict: a link or an anchor that leads nowhere, or a page that is in no section, ends that."""
    folder = tmp_path_factory.mktemp("built") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def url(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with running_chromium() as browser:
        yield browser


def test_it_has_all_pages_and_asks_no_other_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 90
    fetched = re.compile(r'<(?:script|img|iframe|source)[^>]*\ssrc="(https?:)?//|<link[^>]*\shref="(https?:)?//')
    assert [page.name for page in pages if fetched.search(page.read_text(encoding="utf-8"))] == []


def find_hindrances(page: Any, part: str) -> list[tuple[str, str]]:
    """What axe-core calls serious or critical: its rule, and the first place of it."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=part, options={"resultTypes": ["violations"]}).response["violations"]
    return [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")]


@in_chromium
@pytest.mark.parametrize(("colours", "width"), [("light", 1180), ("dark", 360)])
def test_nothing_is_hard_to_use(chromium: Any, url: str, colours: str, width: int) -> None:
    """axe-core finds nothing serious; no page is wider than its window."""
    context = chromium.new_context(color_scheme=colours, viewport={"width": width, "height": 720}, base_url=url)
    page = context.new_page()
    # The index of the search takes a second of each page, and is not looked at here.
    page.route("**/search_index.json", lambda route: route.abort())
    for kind in KINDS:
        page.goto(f"/{kind}.html")
        # Generated pages repeat one form, and axe takes its time for each place of it.
        page.evaluate(SHORTEN)
        # What stands around a page's text is the same on each.
        assert (kind, find_hindrances(page, "body" if kind == "index" else "article")) == (kind, [])
        assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()


@in_chromium
def test_what_people_look_for_is_found_first(chromium: Any, url: str) -> None:
    page = chromium.new_page(base_url=url)
    page.goto("/index.html")
    field = page.get_by_role("textbox", name="Search")
    for asked, wanted in FOUND.items():
        field.fill(asked)
        # The theme looks at the field when a key comes up.
        field.press("End")
        # The page itself; or below it the place on it that fits best.
        path, _, place = wanted.partition("#")
        link = f"[href$='#{place}']" if place else ":not([href*='#'])"
        first = page.locator(f"[data-md-component=search-result] li:first-child a[href^='{url}/{path}?']")
        first.nth(1 if place else 0).and_(page.locator(link)).wait_for()
    page.close()
