"""The console in a real browser: each view, a click that breaks a scale and one that heals it, and hostile names."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import plain_http
from tests.console.pictures import CHROMIUM, HOSTILE, PICTURES, SEED, VIEWS, running_chromium, take_pictures
from tests.serving import ADMIN, WEB, Serving, serving

STATIC = Path(__file__).parents[2] / "mock" / "mockfoundry" / "control" / "console" / "static"
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture(params=["light", "dark"])
def colours(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def running() -> Iterator[Serving]:
    with serving(seed=SEED) as server:
        server.freeze()
        yield server


@pytest.fixture
def page(chromium: Any, running: Serving) -> Iterator[Any]:
    """A tab that fails the test where a script fails, or where a policy had to stop one."""
    context = chromium.new_context(viewport={"width": 1180, "height": 720}, base_url=running.url)
    context.set_default_timeout(8000)
    tab, said = context.new_page(), []
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    yield tab
    context.close()
    # What a scenario breaks is told by the browser, too.
    assert [each for each in said if "Failed to load resource" not in each] == []


def cells(page: Any, process: str = WEB) -> Any:
    return page.locator(f'[data-guid="{process}"] .cells')


def test_instances_move_with_the_clock(page: Any, running: Serving) -> None:
    page.goto("/__mock/console")
    cells(page).filter(has=page.locator(".RUNNING")).wait_for()
    assert cells(page).get_attribute("aria-label") == "6 running"
    assert page.get_by_text("frozen").is_visible()
    page.get_by_label("One web more").first.click()
    page.get_by_text("202 — world: process scaled").wait_for()
    page.locator(f'[data-guid="{WEB}"] .STARTING').wait_for()
    assert cells(page).get_attribute("aria-label") == "6 running, 1 starting"
    page.get_by_role("button", name="+1 s", exact=True).click()
    page.locator(f'[data-guid="{WEB}"] [aria-label="7 running"]').wait_for()
    # What somebody else does is seen at once.
    assert running.scale({"instances": 9}).status_code == 202
    page.locator(f'[data-guid="{WEB}"] [aria-label="7 running, 2 starting"]').wait_for()
    page.keyboard.press("f")
    page.get_by_text("runs", exact=True).wait_for()
    page.get_by_label("Speed").select_option("60")
    page.get_by_text("runs 60×").wait_for()


def test_a_click_breaks_a_scale_and_one_heals_it(page: Any) -> None:
    page.goto("/__mock/console/scenarios")
    page.get_by_role("button", name="Switch on conflict", exact=True).click()
    page.get_by_text("conflict is on").wait_for()
    page.keyboard.press("1")
    page.get_by_label("One web more").first.click()
    page.get_by_text("409: Scale is already in progress — scenario conflict, rule 1").wait_for()
    page.keyboard.press("3")
    on = page.get_by_role("article", name="conflict", exact=True).first
    on.get_by_text("1 answered", exact=True).wait_for()
    on.get_by_role("button", name="Switch off", exact=True).click()
    page.get_by_text("Nothing breaks on purpose.").wait_for()
    page.keyboard.press("1")
    page.get_by_label("One web more").first.click()
    page.get_by_text("202 — world: process scaled").wait_for()


def test_what_was_clicked_is_saved_as_a_file_that_plays(page: Any, running: Serving, tmp_path: Path) -> None:
    page.goto("/__mock/console/scenarios")
    page.get_by_role("button", name="Switch on lost-then-conflict", exact=True).click()
    page.get_by_text("lost-then-conflict is on").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save what is on as files").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "lost-then-conflict.yaml"
    before = running.client.get("/__mock/foundations/default/scenarios").json()["scenarios"][0]["scenario"]
    played = running.client.put(
        "/__mock/foundations/default/scenarios/lost-then-conflict",
        content=file.read_bytes(),
        headers={"Content-Type": "application/yaml"},
    )
    assert played.json()["scenario"] == before


def test_a_scenario_of_ones_own_is_refused_with_its_line_and_played_once_it_is_right(page: Any) -> None:
    page.goto("/__mock/console/scenarios")
    page.get_by_text("One of your own").click()
    field = page.get_by_label("A scenario of your own, as YAML")
    right = field.input_value()
    field.fill(right.replace("CF-Conflict", "CF-Conflikt"))
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_text("CF-Conflikt is no error").or_(page.get_by_text("did you mean CF-Conflict?")).first.wait_for()
    field.fill(right)
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_text("second-scale-conflicts is on").wait_for()


def test_requests_come_live_with_their_reasons(page: Any, running: Serving) -> None:
    page.goto("/__mock/console/requests")
    page.get_by_text("Nothing was asked yet.").wait_for()
    rule = {"operation": "scaleProcess", "when": {"body": {"instances": {"minimum": 9}}}, "respond": {"status": 409}}
    running.client.put("/__mock/foundations/default/scenarios/near", json={"scenario": "near", "rules": [rule]})
    running.scale({"instances": 3})
    running.scale({"instances": 9})
    page.get_by_text("scenario near, rule 1").first.wait_for()
    assert page.locator(".line .mark").all_inner_texts() == ["409", "202"]
    page.locator(".line").nth(1).click()
    near = page.locator(".detail:not([hidden]) .wide table")
    assert [each.split("\t") for each in near.locator("tbody tr").all_inner_texts()] == [
        ["body instances", '{"minimum":9}', "3"]
    ]
    page.get_by_label("only failures").check()
    assert page.locator(".line .mark").all_inner_texts() == ["409"]


def test_what_is_copied_plays_the_same_again(chromium: Any, running: Serving) -> None:
    running.client.put("/__mock/foundations/default/scenarios/conflict")
    running.scale({"instances": 3})
    running.client.delete("/__mock/foundations/default/scenarios")
    context = chromium.new_context(base_url=running.url, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto("/__mock/console/requests")
    page.locator(".line").first.click()
    page.get_by_role("button", name="Copy as scenario").click()
    page.get_by_text("Copied: scenario").wait_for()
    scenario = page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Copy as curl").click()
    page.get_by_text("Copied: curl command").wait_for()
    assert "\ncurl -i -X POST " in page.evaluate("navigator.clipboard.readText()")
    context.close()
    path = "/__mock/foundations/default/scenarios/scale-process-409"
    played = running.client.put(path, content=scenario, headers={"Content-Type": "application/yaml"})
    assert played.status_code == 200, played.text
    assert [running.scale({"instances": 3}).status_code for _ in range(2)] == [409, 202]


@pytest.mark.parametrize("control_token", ["", "s3cret"])
def test_a_copied_curl_command_works_as_it_is_pasted(chromium: Any, tmp_path: Path, control_token: str) -> None:
    """It has a token minted for the same user, of whatever name; only the control token has to be known."""
    name = "o'neill $(touch x) \u202e"
    seed = {**SEED, "users": [{"name": name, "scopes": ["cloud_controller.admin"]}]}
    with serving(seed=seed, control_token=control_token) as server:
        guard = {"X-Mock-Control-Token": control_token} if control_token else {}
        call = server.client.post("/__mock/foundations/default/tokens", json={"user": name}, headers=guard)
        token = call.json()["access_token"]
        assert server.scale({"instances": 3}, headers={"Authorization": f"bearer {token}"}).status_code == 202
        context = chromium.new_context(base_url=server.url, permissions=["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.goto("/__mock/console/requests")
        if control_token:
            page.get_by_label("Control token").fill(control_token)
            page.get_by_role("button", name="Open the console").click()
        page.locator(".line").first.click()
        page.get_by_role("button", name="Copy as curl").click()
        page.get_by_text("Copied: curl command").wait_for()
        pasted = page.evaluate("navigator.clipboard.readText()")
        context.close()
        assert token not in pasted
        environment = {"PATH": os.environ["PATH"], "MOCKFOUNDRY_CONTROL_TOKEN": control_token}
        ran = subprocess.run(["sh", "-c", pasted], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert ran.stdout.startswith("HTTP/1.1 202 "), (pasted, ran.stderr)
        assert list(tmp_path.iterdir()) == []
        requests = server.client.get("/__mock/foundations/default/requests", headers=guard).json()["requests"]
        assert [each["actor"] for each in requests] == [name, name]
        if control_token:
            told = subprocess.run(
                ["sh", "-c", pasted], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True
            )
            assert "MOCKFOUNDRY_CONTROL_TOKEN: set it to the token that the server was started with" in told.stderr


def test_coverage_offers_what_was_not_met(page: Any, running: Serving) -> None:
    running.scale({"instances": 3})
    page.goto("/__mock/console/coverage")
    page.get_by_role("button", name="scaleProcess 202, met 1 times: play it").wait_for()
    page.get_by_role("button", name="scaleProcess 409, not met: play it").click()
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_text("is on", exact=False).first.wait_for()
    assert running.scale({"instances": 3}).status_code == 409


def test_hostile_names_and_bodies_are_text_in_each_view(page: Any, running: Serving) -> None:
    client = running.client
    client.put(f"/__mock/foundations/other-{'x' * 40}")
    hostile = {
        "scenario": "hostile",
        "description": HOSTILE,
        "rules": [{"operation": "getProcess", "respond": {"status": 400, "text": HOSTILE, "undocumented": True}}],
    }
    client.put("/__mock/foundations/default/scenarios/hostile", json=hostile)
    plain_http.get(f"{running.url}/v3/processes/{WEB}", params={"x": HOSTILE}, headers={**ADMIN, "User-Agent": HOSTILE})
    client.post(f"/v3/processes/{WEB}/actions/scale", json={HOSTILE: HOSTILE})
    for view in VIEWS:
        page.goto(f"/__mock/console/{view}")
        page.locator("#view > *").first.wait_for()
        for line in page.locator(".line").all():
            line.click()
        assert page.locator("main img, main script").count() == 0
        assert "owned" not in page.title()
        if view != "coverage":
            assert HOSTILE in page.locator("main").inner_text()


def test_a_foundation_that_is_not_there_is_offered_to_be_made(page: Any) -> None:
    page.goto("/__mock/console/world?foundation=ci-42")
    page.get_by_text("foundation ci-42: there is none of that name").wait_for()
    page.get_by_role("button", name="Make it").click()
    page.locator("article.app").first.wait_for()
    assert page.locator("#foundation").input_value() == "ci-42"
    page.get_by_role("link", name="Requests").click()
    assert "foundation=ci-42" in page.url


def test_with_a_control_token_a_browser_logs_in_once(chromium: Any) -> None:
    with serving(control_token="s3cret") as guarded:
        context = chromium.new_context(base_url=guarded.url)
        page = context.new_page()
        page.goto("/__mock/console/scenarios")
        page.get_by_label("Control token").fill("s3cret")
        page.get_by_role("button", name="Open the console").click()
        page.get_by_text("There is none of that name", exact=False).or_(page.locator(".empty")).first.wait_for()
        assert "/__mock/console/scenarios" in page.url
        assert "s3cret" not in page.content() + page.url
        assert (
            page.evaluate("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)") == "{}{}"
        )
        page.get_by_role("button", name="Log out").click()
        page.get_by_label("Control token").wait_for()
        context.close()


def test_a_thousand_apps_scroll_and_are_drawn_once(chromium: Any) -> None:
    """Drawing them again with each second would keep a person waiting: only what has changed is made anew."""
    apps = [{"name": f"app-{number:04}", "processes": [{"type": "web", "instances": 5}]} for number in range(1_000)]
    with serving(seed={"organizations": [{"name": "o", "spaces": [{"name": "s", "apps": apps}]}]}) as server:
        server.freeze()
        context = chromium.new_context(base_url=server.url, viewport={"width": 1180, "height": 720})
        page = context.new_page()
        page.goto("/__mock/console/world")
        page.locator("article.app").nth(999).wait_for(state="attached")
        page.evaluate("""() => {
            window.made = 0;
            new MutationObserver((changes) => changes.forEach((each) => { window.made += each.addedNodes.length; }))
                .observe(document.querySelector(".apps"), {childList: true, subtree: true});
        }""")
        page.evaluate("""async () => {
            for (let step = 0; step < 40; step += 1) {
                scrollBy(0, 2500);
                await new Promise(requestAnimationFrame);
            }
        }""")
        # Scrolling runs no script, and what is out of sight is not laid out.
        assert page.evaluate("window.made") == 0
        assert page.evaluate("getComputedStyle(document.querySelector('.app')).contentVisibility") == "auto"
        web = server.client.get("/v3/processes?per_page=1").json()["resources"][0]["guid"]
        server.scale({"instances": 6}, guid=web)
        page.locator(f'[data-guid="{web}"] .STARTING').wait_for(state="attached")
        assert page.evaluate("window.made") < 5
        context.close()


def test_nothing_is_hard_to_use(chromium: Any, running: Serving, colours: str) -> None:
    """axe-core finds nothing, in each view, wide and narrow; no page is wider than its window."""
    from axe_playwright_python.sync_playwright import Axe

    running.client.put("/__mock/foundations/default/scenarios/conflict-then-ok")
    running.scale({"instances": 3})
    for width in (1180, 360):
        context = chromium.new_context(
            # axe is put into the page as a script, which the policy would stop.
            bypass_csp=True,
            color_scheme=colours,
            viewport={"width": width, "height": 720},
            base_url=running.url,
        )
        page = context.new_page()
        for view in VIEWS:
            page.goto(f"/__mock/console/{view}")
            page.locator("#view > *").first.wait_for()
            for line in page.locator(".line").all():
                line.click()
            found = Axe().run(page).response["violations"]
            assert [(view, each["id"], each["nodes"][0]["html"]) for each in found] == []
            assert page.evaluate("document.documentElement.scrollWidth") == width
        context.close()


def test_every_control_is_reached_by_the_keyboard(page: Any) -> None:
    page.goto("/__mock/console/world")
    page.locator("article.app").first.wait_for()
    wanted = page.locator("a[href]:visible, button:enabled:visible, input:visible, select:visible").count()
    position = "[...document.querySelectorAll('a, button, input, select')].indexOf(document.activeElement)"
    reached = set()
    for _ in range(wanted + 2):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(position))
    assert len(reached - {-1}) == wanted
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_text("advance the clock by ten seconds").wait_for()


def test_each_view_has_its_picture(chromium: Any, tmp_path: Path) -> None:
    """`make pictures` takes them anew."""
    take_pictures(chromium, tmp_path)
    for view in VIEWS:
        assert (tmp_path / f"{view}.png").read_bytes().startswith(b"\x89PNG")
        assert 10_000 < (PICTURES / f"{view}.png").stat().st_size < 150_000


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js here")
@pytest.mark.parametrize("script", sorted(STATIC.glob("*.js")), ids=lambda each: each.name)
def test_a_script_is_one(script: Path) -> None:
    checked = subprocess.run(["node", "--check", str(script)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
