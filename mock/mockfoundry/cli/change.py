"""Commands that change what a running server holds: its foundations, their scenarios, clocks and states.

Each is a call of the control API, and prints its answer. They decide nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from mockfoundry.cli.completion import complete_scenario
from mockfoundry.cli.connecting import (
    FOUNDATION_OPTION,
    TOKEN_OPTION,
    URL_OPTION,
    ask_control,
    choose_foundation,
    connect_to_control,
    foundation_path,
    server_url,
    warn_of_unreachable_shards,
)
from mockfoundry.cli.errors import fail, report_user_errors, require_standard_input
from mockfoundry.cli.printing import FORMAT_CHOICE, print_json, print_text
from mockfoundry.documents.files import STANDARD_INPUT
from mockfoundry.options import LARGEST_RANDOM_SEED, LEAST_RANDOM_SEED

if TYPE_CHECKING:
    from mockfoundry.documents.problems import Document

FORMAT_OPTION = click.option("--format", "form", type=FORMAT_CHOICE, default="text", help="For people, or JSON.")


COUNTED = {"organizations": "organization", "spaces": "space", "apps": "app", "processes": "process"}
"""What a foundation's summary counts, and the word for one."""


@click.group()
def foundation() -> None:
    """List, show, make, copy and delete the foundations of a server.

    \b
      mockfoundry foundation make ci-42 --seed seed.yaml
      mockfoundry foundation copy ci-42 before-the-upgrade
    """


@foundation.command("list")
@URL_OPTION
@TOKEN_OPTION
@FORMAT_OPTION
def list_foundations(url: str | None, control_token: str, form: str) -> None:
    """List all foundations, in the order in which they were made."""
    with ask_control(url, "/foundations", control_token, {}) as answer:
        warn_of_unreachable_shards(answer)
        lines = [f"{each['name']}  {count_of(each['requests'], 'request')}" for each in answer["foundations"]]
        print_answer(answer, "\n".join(lines) if lines else "there is none yet; the first request makes one", form)


@foundation.command()
@click.argument("foundation", metavar="[NAME]", required=False, envvar="MOCKFOUNDRY_FOUNDATION")
@URL_OPTION
@TOKEN_OPTION
@FORMAT_OPTION
def show(foundation: str | None, url: str | None, control_token: str, form: str) -> None:
    """Show the foundation NAME, or else the one that MOCKFOUNDRY_FOUNDATION or the URL names, or else `default`."""
    path = foundation_path(choose_foundation(foundation, url), "")
    with ask_control(url, path, control_token, {}) as answer:
        print_foundation(answer, url, form)


@foundation.command()
@click.argument("name")
@URL_OPTION
@TOKEN_OPTION
@click.option("--seed", metavar="FILE", help="What it begins with (YAML or JSON; - reads it); the server's by default.")
@click.option(
    "--random-seed",
    type=click.IntRange(LEAST_RANDOM_SEED, LARGEST_RANDOM_SEED),
    help="The number from which everything follows that the seed leaves out; only with --seed.",
)
@click.option("--keep", is_flag=True, help="Leave one of that name as it is, if there is one.")
@click.option("--no-scenarios", is_flag=True, help="Begin without the scenarios that the server was started with.")
@FORMAT_OPTION
def make(
    name: str,
    url: str | None,
    control_token: str,
    seed: str | None,
    random_seed: int | None,
    keep: bool,
    no_scenarios: bool,
    form: str,
) -> None:
    """Make the foundation NAME; one that has the name already is replaced."""
    from mockfoundry.client.errors import ControlError

    if random_seed is not None and seed is None:
        fail("--random-seed: needs a --seed that is built anew with it")
    document = None if seed is None else load_given(seed, "seed")
    headers = {"If-None-Match": "*"} if keep else {}
    path = foundation_path(name, "")
    with connect_to_control(url, control_token) as client, name_source_in_problems(document):
        content = None if document is None else document.text.encode()
        try:
            query = {"random_seed": random_seed, "scenarios": "none" if no_scenarios else None}
            answer = client("PUT", path, content, query=query, headers=headers)
        except ControlError as error:
            if not keep or error.status != 412:
                raise
            answer = client("GET", path)
        print_foundation(answer, url, form)


@foundation.command()
@click.argument("name")
@click.argument("other")
@URL_OPTION
@TOKEN_OPTION
@click.option("--replace", is_flag=True, help="Replace a foundation OTHER, if there is one.")
@FORMAT_OPTION
def copy(name: str, other: str, url: str | None, control_token: str, replace: bool, form: str) -> None:
    """Copy the foundation NAME, with its clock, scenarios, counters and journal, to the name OTHER."""
    with connect_to_control(url, control_token) as client:
        answer = client("POST", foundation_path(name, "/copy"), {"as": other, "replace": replace})
        print_foundation(answer, url, form)


@foundation.command()
@click.argument("name")
@URL_OPTION
@TOKEN_OPTION
@FORMAT_OPTION
def delete(name: str, url: str | None, control_token: str, form: str) -> None:
    """Delete the foundation NAME. Its clients get a 404 until it is made again."""
    with connect_to_control(url, control_token) as client:
        client("DELETE", foundation_path(name, ""))
        print_answer({"deleted": name}, f"{name} is deleted", form)


@click.command()
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@FORMAT_OPTION
def reset(url: str | None, control_token: str, foundation: str | None, form: str) -> None:
    """Set a foundation back to how it began: state, clock, scenarios, counters and journal."""
    with connect_to_control(url, control_token) as client:
        answer = client("POST", foundation_path(choose_foundation(foundation, url), "/reset"))
        print_foundation(answer, url, form)


@click.command()
@click.argument("scenarios", metavar="NAME|FILE...", nargs=-1, required=True, shell_complete=complete_scenario)
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@FORMAT_OPTION
def play(scenarios: tuple[str, ...], url: str | None, control_token: str, foundation: str | None, form: str) -> None:
    """Switch scenarios on: NAMEs of the library, FILEs (.yaml, .yml, .json), or - to read one.

    One that is on already begins again. `mockfoundry scenarios` lists the library.
    """
    name = choose_foundation(foundation, url)
    given = [load_given_scenario(each) for each in scenarios]
    with connect_to_control(url, control_token) as client:
        library = {each["name"] for each in client("GET", "/scenarios")["scenarios"]} if len(given) > 1 else set()
        for scenario, document in given:
            if document is None and library and scenario not in library:
                # Refused before the first of them is switched on.
                client("PUT", foundation_path(name, f"/scenarios/{quote(scenario, safe='')}"))
        for scenario, document in given:
            path = foundation_path(name, f"/scenarios/{quote(scenario, safe='')}")
            with name_source_in_problems(document):
                answer = client("PUT", path, None if document is None else document.text.encode())
            print_answer(answer, f"{answer['name']} is on in {name}: {answer['description']}".rstrip(": "), form)


@click.command()
@click.argument("scenarios", metavar="[NAME]...", nargs=-1)
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@click.option("--all", "every", is_flag=True, help="Switch all scenarios off.")
@FORMAT_OPTION
def stop(
    scenarios: tuple[str, ...], url: str | None, control_token: str, foundation: str | None, every: bool, form: str
) -> None:
    """Switch the scenarios NAME off; what they changed in the world is undone."""
    if bool(scenarios) == every:
        fail("stop: name the scenarios to switch off, or give --all; one of the two")
    name = choose_foundation(foundation, url)
    with connect_to_control(url, control_token) as client:
        for path in [f"/{quote(each, safe='')}" for each in scenarios] or [""]:
            client("DELETE", foundation_path(name, f"/scenarios{path}"))
        on = [each["name"] for each in client("GET", foundation_path(name, "/scenarios"))["scenarios"]]
        print_answer({"playing": on}, f"on in {name}: {', '.join(on) or 'no scenario'}", form)


@click.command()
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@click.option("--freeze/--run", "frozen", default=None, help="Stop it, or let it run with real time.")
@click.option("--advance", metavar="DURATION", help="Let so much time pass at once: 30s, 10m.")
@click.option("--set", "moment", metavar="TIME", help="Set it to a time, not an earlier one: 2030-01-01T00:00:00Z.")
@click.option("--rate", type=float, help="How many of its seconds pass in a real one.")
@FORMAT_OPTION
def clock(
    url: str | None,
    control_token: str,
    foundation: str | None,
    frozen: bool | None,
    advance: str | None,
    moment: str | None,
    rate: float | None,
    form: str,
) -> None:
    """Show a foundation's clock, or change it. When the command ends, everything due by then has happened."""
    given = {"frozen": frozen, "advance": advance, "now": moment, "rate": rate}
    change = {name: value for name, value in given.items() if value is not None}
    path = foundation_path(choose_foundation(foundation, url), "/clock")
    with connect_to_control(url, control_token) as client:
        answer = client("PATCH", path, change) if change else client("GET", path)
        speed = "frozen" if answer["frozen"] else f"running at {answer['rate']:g} seconds a second"
        print_answer(answer, f"{answer['now']}, {speed}", form)


@click.command()
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@click.option(
    "--patch",
    metavar="FILE|TEXT",
    help="Change what a FILE says (- reads it), or a TEXT that begins with a brace.",
)
@click.option("--replace", metavar="FILE", help="Replace the world by that of a seed or an export (- reads it).")
@click.option("--changes", is_flag=True, help="Show only what differs from the seed that the foundation began with.")
@click.option("--format", "form", type=click.Choice(["yaml", "json"]), default="yaml", help="YAML, or JSON in a line.")
def state(
    url: str | None,
    control_token: str,
    foundation: str | None,
    patch: str | None,
    replace: str | None,
    changes: bool,
    form: str,
) -> None:
    """Print the world of a foundation as a seed file, after changing it where that is asked for.

    \b
      mockfoundry state > world.yaml
      mockfoundry state --patch '{organizations: [{name: acme, suspended: true}]}' --changes
    """
    if patch is not None and replace is not None:
        fail("state: --patch changes the world, --replace puts another in its place; give one of the two")
    given = patch if patch is not None else replace
    document = None if given is None else load_given(given, "patch" if replace is None else "seed")
    name = choose_foundation(foundation, url)
    with connect_to_control(url, control_token) as client, name_source_in_problems(document):
        if document is not None:
            method = "PATCH" if replace is None else "PUT"
            answer = client(method, foundation_path(name, "/state"), document.text.encode())
        elif not changes:
            answer = client("GET", foundation_path(name, "/state"))
        if changes:
            answer = client("GET", foundation_path(name, "/changes"))
        if ("changes" if changes else "organizations") not in answer:
            raise LookupError("what was answered is neither a state nor its changes")
        print_document(answer, form)


@click.command()
@click.argument("user", default="admin")
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@click.option("--expires-in", metavar="DURATION", help="How long it is good, by the foundation's clock; ten years.")
@FORMAT_OPTION
def token(
    user: str, url: str | None, control_token: str, foundation: str | None, expires_in: str | None, form: str
) -> None:
    """Print a bearer token for USER of the seed, or for an admin. It leads a client to the foundation by itself.

    \b
      curl -H "Authorization: bearer $(mockfoundry token alice)" http://127.0.0.1:8080/v3/processes
    """
    body = {"user": user} if expires_in is None else {"user": user, "expires_in": expires_in}
    with connect_to_control(url, control_token) as client:
        answer = client("POST", foundation_path(choose_foundation(foundation, url), "/tokens"), body)
        print_answer(answer, answer["access_token"], form)


@click.command()
@click.argument("hold")
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@FORMAT_OPTION
def release(hold: str, url: str | None, control_token: str, foundation: str | None, form: str) -> None:
    """Let the requests go on that a scenario holds under the name HOLD; exit code 1 if there was none."""
    name = choose_foundation(foundation, url)
    with connect_to_control(url, control_token) as client:
        answer = client("POST", foundation_path(name, f"/holds/{quote(hold, safe='')}/release"))
        count = answer["released"]
        goes_on = "goes on" if count == 1 else "go on"
        print_answer(answer, f"{count_of(count, 'request')} {goes_on}", form)
        if not count:
            fail(f"no request was held under {hold} in {name}", code=1)


def load_given(given: str, kind: str) -> "Document":
    """What a file holds, the standard input, or for a patch the text itself; ends the command where it can't be read.

    Args:
        given: a file's path, `-`, or text that begins with a brace.
        kind: `seed`, `patch` or `scenario`.
    """
    from mockfoundry.client.arguments import load_document
    from mockfoundry.documents.problems import Document
    from mockfoundry.options import ServerOptions

    with report_user_errors():
        if kind == "patch" and given.lstrip().startswith("{"):
            return Document(given, "--patch")
        try:
            if given == STANDARD_INPUT:
                return load_document(require_standard_input().read(ServerOptions.max_seed + 1), kind)
            return load_document(Path(given), kind)
        except UnicodeDecodeError:
            raise
        except ValueError as error:
            fail(str(error))


def load_given_scenario(given: str) -> "tuple[str, Document | None]":
    """The name of a scenario, and its text unless it is one of the library; ends the command where it is not right."""
    from mockfoundry.client.arguments import is_library_name
    from mockfoundry.scenarios.format import read_scenario

    if given != STANDARD_INPUT and is_library_name(given):
        return given, None
    document = load_given(given, "scenario")
    with report_user_errors():
        return read_scenario(document.text, source=document.source).name, document


@contextmanager
def name_source_in_problems(document: "Document | None") -> Iterator[None]:
    """Has the problems of a document name its file, where the server knows only its request's body."""
    from mockfoundry.client.errors import ControlError
    from mockfoundry.client.foundation_calls import name_source_in_detail

    try:
        yield
    except ControlError as error:
        if document is None:
            raise
        detail = name_source_in_detail(error.detail, document.source)
        raise ControlError(error.status, error.kind, detail) from None


def print_answer(answer: Any, text: str, form: str) -> None:
    """Prints an answer as JSON in a line, or the text that says the same."""
    if form == "json":
        print_json(answer)
    else:
        print_text(text)


def print_document(answer: Any, form: str) -> None:
    """Prints a value as JSON in a line, or as YAML."""
    from mockfoundry.documents.yaml_writing import render_mapping

    print_answer(answer, "\n".join(render_mapping(answer, 0)), form)


def print_foundation(summary: dict[str, Any], url: str | None, form: str) -> None:
    """Prints a foundation in short."""
    counts = [count_of(summary[many], one) for many, one in COUNTED.items()]
    lines = [
        f"{summary['name']}: {', '.join(counts)}",
        f"  URL         {server_url(url)}{summary['prefix']}",
        f"  time        {summary['time']}",
        f"  scenarios   {', '.join(summary['scenarios']) or 'none'}",
        f"  journal     {count_of(summary['journal']['recorded'], 'request')}",
    ]
    print_answer(summary, "\n".join(lines), form)


def count_of(count: int, noun: str) -> str:
    """`1 process`, `2 processes`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"
