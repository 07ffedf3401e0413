"""Failing: how a command says that it can't go on: one clear line and exit code 2. Never a traceback.

`mockfoundry health` and `mockfoundry wait`: ask a running server whether it is ready.

Controlling: how commands call the control API of a running server. Never decides what is printed.

`mockfoundry coverage`: which documented answers and which faults the client under test has met.

`mockfoundry log`: what happened in a foundation, a line for each exchange.

`mockfoundry replay`: the failures that clients have met, as the smallest scenario file that plays them again.

`mockfoundry retries`: what clients sent again, after what, with what wait, and whether it did something twice.

`mockfoundry scenarios`, `operations` and `check`: what can be played, on what, and whether a file is right.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

import click


def fail(text: str) -> NoReturn:
    """Ends the command with a line (or a line for each problem) and exit code 2."""
    for line in text.splitlines():
        click.echo(f"mockfoundry: {line}", err=True)
    raise SystemExit(2)


@contextmanager
def report_user_errors() -> Iterator[None]:
    """Turns what a user's files can do wrong into `fail`."""
    from mockfoundry.contract.plan import ContractError
    from mockfoundry.documents.problems import DocumentError

    try:
        yield
    except (ContractError, DocumentError) as error:
        fail(str(error))
    except UnicodeDecodeError as error:
        fail(f"a file is not UTF-8 text: {error.reason} at byte {error.start}")
    except OSError as error:
        fail(f"{error.filename or 'a file'}: can't be read: {error.strerror or error}")


URL_OPTION = click.option(
    "--url", envvar="MOCKFOUNDRY_URL", default=None, help="Where the server is; http://127.0.0.1:PORT by default."
)

POLL_SECONDS = 0.05


def ask_health(url: str | None) -> str:
    """What a server says of its health, in a line.

    Raises:
        OSError: it can't be reached, or what is there is not mockfoundry.
    """
    base = (url or f"http://127.0.0.1:{os.environ.get('MOCKFOUNDRY_PORT', '8080')}").rstrip("/")
    try:
        # A proxy that the environment names has no part in asking a server next door.
        with build_opener(ProxyHandler({})).open(f"{base}/__mock/health", timeout=5) as answer:
            health = json.load(answer)
        return f"{base} is {health['status']}: mockfoundry {health['version']}, {health['mode']}"
    except (URLError, OSError, HTTPException) as error:
        raise OSError(f"{base} does not answer: {getattr(error, 'reason', error)}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise OSError(f"{base} is not mockfoundry: it has no health to show") from error


@click.command()
@URL_OPTION
def health(url: str | None) -> None:
    """Ask a server for its health: exit code 0 if it is ready, 1 if not."""
    try:
        click.echo(ask_health(url))
    except (OSError, ValueError) as error:
        click.echo(f"mockfoundry: {error}", err=True)
        raise SystemExit(1) from None


@click.command()
@URL_OPTION
@click.option("--timeout", default=30.0, show_default=True, help="Seconds to wait at most.")
def wait(url: str | None, timeout: float) -> None:
    """Wait until a server is ready: exit code 0, or 1 when it is not in time."""
    end = time.monotonic() + timeout
    while True:
        try:
            click.echo(ask_health(url))
        except (OSError, ValueError) as error:
            if time.monotonic() >= end:
                click.echo(f"mockfoundry: {error} (waited {timeout:g} seconds)", err=True)
                raise SystemExit(1) from None
            time.sleep(POLL_SECONDS)
        else:
            return


TOKEN_OPTION = click.option(
    "--control-token",
    envvar="MOCKFOUNDRY_CONTROL_TOKEN",
    default="",
    help="The token that the server was started with.",
)
FOUNDATION_OPTION = click.option("--foundation", default="default", show_default=True, help="Which foundation.")


def open_control_response(
    url: str | None, path: str, token: str, query: Mapping[str, Any], timeout: float | None
) -> HTTPResponse:
    """The answer of a call of the control API; ends the command with exit code 2 where there is none.

    Args:
        path: behind `/__mock`.
        timeout: seconds, None to wait for ever.
    """
    base = (url or f"http://127.0.0.1:{os.environ.get('MOCKFOUNDRY_PORT', '8080')}").rstrip("/")
    asked = urlencode({name: value for name, value in query.items() if value not in (None, "", False)})
    headers = {"X-Mock-Control-Token": token} if token else {}
    try:
        request = Request(f"{base}/__mock{path}{'?' if asked else ''}{asked}", headers=headers)  # noqa: S310 (the user's)
        # A proxy that the environment names has no part in asking a server next door.
        answer: HTTPResponse = build_opener(ProxyHandler({})).open(request, timeout=timeout)
    except HTTPError as error:
        fail(read_problem_detail(error, base))
    except (URLError, OSError, HTTPException, ValueError) as error:
        fail(f"{base} does not answer: {getattr(error, 'reason', error)}; --url says where the server is")
    return answer


def read_problem_detail(error: HTTPError, base: str) -> str:
    """What a problem says."""
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"{base} answered {error.code}; is it mockfoundry?"


def fetch_control_json(url: str | None, path: str, token: str, query: Mapping[str, Any]) -> Any:
    """The JSON that a call answers."""
    with open_control_response(url, path, token, query, timeout=30) as answer:
        try:
            return json.load(answer)
        except ValueError:
            fail("what answers there is not mockfoundry: it sends no JSON")


def foundation_path(name: str, path: str) -> str:
    return f"/foundations/{quote(name, safe='')}{path}"


@click.command()
@URL_OPTION
@TOKEN_OPTION
@click.option("--foundation", default="", help="Only this foundation; all together by default.")
@click.option("--operation", default="", help="Only these operations, with commas between.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="A table, or JSON.")
@click.option("--fail-under", type=click.FloatRange(0, 100), help="Exit code 1 where less than PERCENT was met.")
@click.option(
    "--scenario",
    "missing",
    nargs=2,
    metavar="OPERATION ANSWER",
    help="Print the scenario file that makes a client meet an answer: scaleProcess 409, scaleProcess 'reset after'.",
)
def coverage(
    url: str | None,
    control_token: str,
    foundation: str,
    operation: str,
    form: str,
    fail_under: float | None,
    missing: tuple[str, str] | None,
) -> None:
    """Print what of the contract clients have met."""
    path = foundation_path(foundation, "/coverage") if foundation else "/coverage"
    query = {"operation": missing[0] if missing else operation}
    answer = fetch_control_json(url, path, control_token, query)
    if missing:
        for square in answer["squares"]:
            name = f"{square['fault']} {square['phase']}" if square["fault"] else str(square["status"])
            if name == missing[1]:
                if square["scenario"] is None:
                    fail(f"{missing[0]} {name} was met {square['times']} times already; no scenario is needed")
                click.echo(square["scenario"], nl=False)
                return
        fail(f"{missing[1]} is no answer of {missing[0]}; mockfoundry coverage --operation {missing[0]} lists them")
    click.echo(json.dumps(answer) if form == "json" else answer["table"])
    if fail_under is not None and answer["percent"] < fail_under:
        click.echo(f"mockfoundry: {answer['percent']:g} % was met, {fail_under:g} % is asked for", err=True)
        raise SystemExit(1)


@click.command()
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--operation", default="", help="Only these operations, with commas between.")
@click.option("--status", default="", help="Only these statuses, with commas between.")
@click.option("--scenario", default="", help="Only what this scenario decided.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Lines for people, or JSON."
)
@click.option("--curl", "number", type=click.IntRange(1), help="Print exchange NUMBER as a curl command instead.")
def log(
    url: str | None,
    control_token: str,
    foundation: str,
    follow: bool,
    operation: str,
    status: str,
    scenario: str,
    form: str,
    number: int | None,
) -> None:
    """Print what happened in a foundation."""
    if number is not None:
        click.echo(
            fetch_control_json(url, foundation_path(foundation, f"/requests/{number}"), control_token, {})["curl"]
        )
        return
    query = {"operation": operation, "status": status, "scenario": scenario}
    path = foundation_path(foundation, "/requests")
    if not follow:
        answer = fetch_control_json(url, path, control_token, query)
        if answer["dropped"] and form == "text":
            click.echo(f"{answer['dropped']} exchanges before these were dropped", err=True)
        for each in answer["requests"]:
            click.echo(render_exchange_line(each, form))
        return
    try:
        with open_control_response(url, path, control_token, {**query, "follow": "true"}, timeout=None) as stream:
            for line in stream:
                click.echo(render_exchange_line(json.loads(line), form))
    except KeyboardInterrupt:
        return
    except (OSError, ValueError):
        click.echo("mockfoundry: the server has ended the stream", err=True)


def render_exchange_line(exchange: dict[str, Any], form: str) -> str:
    """An exchange as a line, coloured by how it ended; click leaves the colour out where no terminal is."""
    if form == "json":
        return json.dumps(exchange, ensure_ascii=False)
    if "missed" in exchange:
        return click.style(f"… {exchange['missed']} exchanges were dropped before they could be shown", fg="magenta")
    # What a client sent is printed, so nothing of it may steer the terminal.
    line = "".join(sign if sign.isprintable() else "?" for sign in exchange["line"])
    return click.style(line, fg=choose_colour(exchange))


def choose_colour(exchange: dict[str, Any]) -> str:
    if exchange["fault"]:
        return "magenta"
    status = exchange["status"]
    if status >= 500:
        return "red"
    return "yellow" if status >= 400 else "green"


@click.command()
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
def replay(url: str | None, control_token: str, foundation: str) -> None:
    """Print a scenario file that makes a client meet the same failures again; exit code 1 where there was none."""
    answer = fetch_control_json(url, foundation_path(foundation, "/replay"), control_token, {})
    if answer["dropped"]:
        click.echo(f"mockfoundry: {answer['dropped']} exchanges were dropped, and are not in it", err=True)
    if answer["scenario"] is None:
        click.echo(f"mockfoundry: clients of {foundation} have met no failure that a scenario can play again", err=True)
        raise SystemExit(1)
    click.echo(answer["scenario"], nl=False)


@click.command()
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@click.option("--operation", default="", help="Only this operation.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="A table, or JSON.")
@click.option("--max", "most", type=click.IntRange(0), help="Exit code 1 where one request was repeated more often.")
@click.option("--honours-retry-after", is_flag=True, help="Exit code 1 where a repeat came before Retry-After said.")
@click.option("--never-twice", is_flag=True, help="Exit code 1 where a repeat changed the world once more.")
@click.option("--within", metavar="DURATION", help="What is sent later than that after an answer repeats nothing.")
def retries(
    url: str | None,
    control_token: str,
    foundation: str,
    operation: str,
    form: str,
    most: int | None,
    honours_retry_after: bool,
    never_twice: bool,
    within: str | None,
) -> None:
    """Print what clients repeated."""
    query = {
        "operation": operation,
        "max": None if most is None else str(most),
        "honours_retry_after": "true" if honours_retry_after else "",
        "never_twice": "true" if never_twice else "",
        "within": within,
    }
    answer = fetch_control_json(url, foundation_path(foundation, "/retries"), control_token, query)
    click.echo(json.dumps(answer) if form == "json" else answer["table"])
    asserted = most is not None or honours_retry_after or never_twice
    if asserted and answer["verdict"]["result"] != "holds":
        click.echo(f"mockfoundry: {answer['verdict']['said']}", err=True)
        raise SystemExit(1)


CONTRACT_OPTION = click.option(
    "--contract",
    type=click.Path(path_type=Path),
    envvar="MOCKFOUNDRY_CONTRACT",
    help="The OpenAPI document that counts, where it is not the shipped one.",
)


@click.command()
def scenarios() -> None:
    """List the built-in scenarios."""
    from mockfoundry.scenarios.format import read_scenario
    from mockfoundry.scenarios.library import list_library_files

    files = list_library_files()
    width = max(len(name) for name in files)
    for name, path in sorted(files.items()):
        scenario = read_scenario(path.read_text(encoding="utf-8"), source=str(path))
        click.echo(f"{name:<{width}}  {scenario.description}")


@click.command()
@CONTRACT_OPTION
def operations(contract: Path | None) -> None:
    """List the operations of the contract, with the statuses and examples that it documents."""
    from mockfoundry import shipped
    from mockfoundry.contract.load import load_contract

    with report_user_errors():
        loaded = load_contract(contract or shipped.CONTRACT_FILE)
    for plan in loaded.plans.values():
        click.echo(f"{plan.operation}  {plan.method} {plan.path}")
        for status, documented in sorted(plan.responses.items()):
            click.echo(f"  {status}  {', '.join(documented.examples)}")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@CONTRACT_OPTION
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github"]), default="text", help="How problems are printed."
)
def check(files: tuple[Path, ...], contract: Path | None, form: str) -> None:
    """Check scenario FILES: exit code 0 if all are right, 1 if not."""
    from mockfoundry import shipped
    from mockfoundry.assembly import ERROR_STATUSES
    from mockfoundry.contract.load import load_contract
    from mockfoundry.documents.problems import PROBLEM_FORMATS, Problem
    from mockfoundry.scenarios.lint import check_scenario

    problems: list[Problem] = []
    with report_user_errors():
        loaded = load_contract(contract or shipped.CONTRACT_FILE)
        for file in files:
            problems += check_scenario(file.read_text(encoding="utf-8"), loaded, ERROR_STATUSES, source=str(file))
    click.echo(PROBLEM_FORMATS[form](problems), nl=False)
    if problems:
        raise SystemExit(1)
    if form == "text":
        click.echo(f"{len(files)} {'file is' if len(files) == 1 else 'files are'} right")
