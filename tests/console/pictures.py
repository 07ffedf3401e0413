"""Pictures of the console, for the README and the documentation: `make pictures` takes them anew."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.serving import WEB, serving

CHROMIUM = shutil.which("chromium") or ""
PICTURES = Path(__file__).parents[2] / "docs" / "console"
VIEWS = ("world", "requests", "scenarios", "coverage")
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"

SEED = {
    "organizations": [
        {
            "name": "acme",
            "quota": {"total_memory_in_mb": 40960},
            "spaces": [
                {
                    "name": "shop",
                    "apps": [
                        {
                            "name": "checkout",
                            "processes": [
                                {"type": "web", "guid": WEB, "instances": 6, "memory_in_mb": 256},
                                {"type": "worker", "instances": 2},
                            ],
                        },
                        {
                            "name": "search",
                            "processes": [{"type": "web", "instances": 9, "instance_states": {3: "CRASHED"}}],
                        },
                        {"name": "batch", "state": "STOPPED"},
                        {"name": HOSTILE},
                    ],
                }
            ],
        }
    ]
}


@contextmanager
def running_chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Tests may run as root, where Chromium has no sandbox.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def take_pictures(chromium: Any, folder: Path) -> None:
    """A picture of each view, in a world in which something happens."""
    hidden = {
        "organizations": [
            {"name": "acme", "spaces": [{"name": "shop", "apps": [{"name": HOSTILE, "state": "STOPPED"}]}]}
        ]
    }
    with serving(seed=SEED) as server:
        server.freeze()
        client = server.client
        client.patch("/__mock/foundations/default/clock", json={"now": "2031-05-06T07:08:09Z"})
        client.patch("/__mock/foundations/default/state", json=hidden)
        client.put("/__mock/foundations/default/scenarios/conflict-then-ok")
        for _ in range(2):
            server.scale({"instances": 8})
        client.get(f"/v3/processes/{WEB}/stats")
        server.scale({"instances": -1})
        for view in VIEWS:
            colours = "dark" if view == "requests" else "light"
            context = chromium.new_context(
                viewport={"width": 1180, "height": 640}, base_url=server.url, color_scheme=colours
            )
            page = context.new_page()
            page.goto(f"/__mock/console/{view}")
            page.locator("#view > *").first.wait_for()
            if view == "requests":
                page.locator(".line").nth(3).click()
            page.screenshot(path=folder / f"{view}.png")
            context.close()


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    with running_chromium() as browser:
        take_pictures(browser, PICTURES)
