"""Recipes as tests of pytest. Runs none."""

import json
from collections.abc import Iterator
from textwrap import dedent

from tests.recipes.steps import (
    ADMIN,
    ELEVEN_GUIDS,
    Advance,
    Ask,
    Client,
    Instances,
    Recipe,
    Step,
    WhileHeld,
    behind_process,
)

CLIENT = dedent('''\
    from concurrent.futures import ThreadPoolExecutor

    import httpx
    import pytest

    PROCESS = "/v3/apps/APP/processes/web"  # of the default seed's app dora

    http = httpx.Client()


    class Client:
        """Stands for yours, and sends each request once."""

        def __init__(self, foundation, token="admin", patience=10.0):
            self.url, self.patience = foundation.url, patience
            self.headers = {"Authorization": f"bearer {token}"}

        def get(self, path):
            return http.get(self.url + path, headers=self.headers, timeout=self.patience)

        def scale(self, body):
            url = f"{self.url}{PROCESS}/actions/scale"
            return http.post(url, json=body, headers=self.headers, timeout=self.patience)
    ''')


def render(recipe: Recipe) -> str:
    """The function of the test."""
    lines = [f'foundation.play("{recipe.scenario}")']
    lines += ["foundation.clock.freeze()"] if recipe.stands_still else []
    lines += [f"{each.name} = {render_client(each)}" for each in recipe.clients]
    for step in recipe.steps:
        lines += render_step(step)
    name = recipe.scenario.replace("-", "_")
    return "\n".join([f"def test_{name}(foundation):", *(f"    {line}" for line in lines)]) + "\n"


def render_client(client: Client) -> str:
    token = "" if client.token == ADMIN.token else f', "{client.token}"'
    patience = "" if client.patience == ADMIN.patience else f", patience={client.patience / 1000}"
    return f"Client(foundation{token}{patience})"


def render_step(step: Step) -> Iterator[str]:
    if isinstance(step, Ask):
        yield from render_ask(step)
    elif isinstance(step, Advance):
        yield f'foundation.clock.advance("{step.seconds}s")'
    elif isinstance(step, Instances):
        yield f'assert foundation.process("dora").instances == {step.count}'
    elif isinstance(step, WhileHeld):
        yield from render_held(step)
    else:
        yield f"statuses = [{call(step.ask)}.status_code for attempt in range({step.times})]"
        yield f"assert set(statuses) == {{{step.ask.status}, {step.other}}}"


def render_ask(ask: Ask) -> Iterator[str]:
    asked = call(ask)
    if ask.status is None:
        yield "with pytest.raises(httpx.TransportError):  # no answer"
        yield f"    {asked}"
    elif not ask.says and ask.header is None:
        yield f"assert {asked}.status_code == {ask.status}"
    else:
        yield f"answer = {asked}"
        yield f"assert answer.status_code == {ask.status}"
        if ask.says:
            yield f"assert {quote(ask.says)} in answer.text"
        if ask.header is not None:
            name, value = ask.header
            yield (
                f'assert answer.headers["{name}"] == "{value}"' if value else f'assert "{name}" not in answer.headers'
            )


def call(ask: Ask) -> str:
    client = ask.client.name
    if ask.path is None:
        return f"{client}.scale({ask.body})"
    if ask.path == ELEVEN_GUIDS:
        return f'{client}.get("/v3/processes?guids=" + ",".join(f"{{number:036}}" for number in range(11)))'
    return f"{client}.get({render_path(ask.path)})"


def render_path(path: str) -> str:
    rest = behind_process(path)
    if rest is None:
        return f'"{path}"'
    return f'f"{{PROCESS}}{rest}"' if rest else "PROCESS"


def quote(text: str) -> str:
    return f"'{text}'" if '"' in text else json.dumps(text)


def render_held(step: WhileHeld) -> Iterator[str]:
    yield "with ThreadPoolExecutor() as threads:"
    yield f"    held = threads.submit({step.held.client.name}.scale, {step.held.body})"
    yield '    foundation.verify("scaleProcessForApp", answered=False, within="10s")  # it has come, and waits'
    yield f"    assert {call(step.meanwhile)}.status_code == {step.meanwhile.status}"
    yield f'    with foundation.hold("{step.hold}"):'
    yield "        pass  # at the end of the block it goes on"
    yield f"    assert held.result().status_code == {step.held.status}"
