"""Commands that ask a running server: `health`, `wait`, `log`, `coverage`, `retries`, `replay`. They decide nothing."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from mockfoundry.cli.errors import fail
from mockfoundry.cli.printing import print_json, print_text
from mockfoundry.documents.quoting import quote_line

if TYPE_CHECKING:
    from mockfoundry.client.control import SocketControlClient

CALL_TIMEOUT_SECONDS = 30.0
HEALTH_TIMEOUT_SECONDS = 5.0
POLL_SECONDS = 0.05

URL_OPTION = click.option(
    "--url", envvar="MOCKFOUNDRY_URL", default=None, help="Where the server is; http://127.0.0.1:PORT by default."
)
TOKEN_OPTION = click.option(
    "--control-token",
    envvar="MOCKFOUNDRY_CONTROL_TOKEN",
    default="",
    help="The token that the server was started with.",
)
FOUNDATION_OPTION = click.option("--foundation", default="default", show_default=True, help="Which foundation.")


def server_url(url: str | None) -> str:
    """The URL of the server to ask, without a slash at the end."""
    return (url or f"http://127.0.0.1:{os.environ.get('MOCKFOUNDRY_PORT', '8080')}").rstrip("/")


def must_be_server_url(url: str | None) -> None:
    """Ends the command where it is given what can be no server's URL, since waiting would not mend that."""
    from mockfoundry.client.control import parse_server_url
    from mockfoundry.client.errors import ServerError

    try:
        parse_server_url(server_url(url))
    except ServerError as error:
        fail(str(error))


def check_health(url: str | None) -> str:
    """What a server says about its health, in one line.

    Raises:
        ServerError: it does not answer, or is not mockfoundry.
    """
    from http.client import responses

    from mockfoundry.client.control import SocketControlClient
    from mockfoundry.client.errors import ControlError, ServerError, UnexpectedResponseError

    base = server_url(url)
    client = SocketControlClient(base, lambda: "", timeout=HEALTH_TIMEOUT_SECONDS)
    try:
        found = client("GET", "/health")
        return f"{base} is {found['status']}: mockfoundry {found['version']}, {found['mode']}"
    except ControlError as error:
        raise ServerError(f"{base} does not tell its health: {error}") from None
    except UnexpectedResponseError as error:
        if error.status >= 300:
            raise ServerError(f"{base} does not answer: {responses.get(error.status, error.status)}") from None
        raise ServerError(f"{base} is not mockfoundry: it has no health to show") from None
    except (KeyError, TypeError):
        raise ServerError(f"{base} is not mockfoundry: it has no health to show") from None
    finally:
        client.close()


@click.command()
@URL_OPTION
def health(url: str | None) -> None:
    """Ask a server for its health: exit code 0 if it is ready, 1 if not."""
    from mockfoundry.client.errors import ServerError

    try:
        print_text(check_health(url))
    except ServerError as error:
        fail(str(error), code=1)


@click.command()
@URL_OPTION
@click.option("--timeout", default=30.0, show_default=True, help="Seconds to wait at most.")
def wait(url: str | None, timeout: float) -> None:
    """Wait until a server is ready: exit code 0, or 1 if it is not ready in time."""
    from mockfoundry.client.errors import ServerError

    must_be_server_url(url)
    end = time.monotonic() + timeout
    while True:
        try:
            print_text(check_health(url))
        except ServerError as error:
            if time.monotonic() >= end:
                fail(f"{error} (waited {timeout:g} seconds)", code=1)
            time.sleep(POLL_SECONDS)
        else:
            return


@contextmanager
def connect_to_control(url: str | None, control_token: str) -> "Iterator[SocketControlClient]":
    """The control API of a server, inside the block; where a call fails, the command ends with exit code 2."""
    from mockfoundry.client.control import SocketControlClient
    from mockfoundry.client.errors import ControlError, ServerError, UnexpectedResponseError

    base = server_url(url)
    try:
        advice = "--url says where the server is"
        client = SocketControlClient(base, lambda: advice, control_token, timeout=CALL_TIMEOUT_SECONDS)
        try:
            yield client
        finally:
            client.close()
    except UnexpectedResponseError as error:
        if error.status < 300:
            fail("what answers there is not mockfoundry: it sends no JSON")
        fail(f"{base} answered {error.status}; is it mockfoundry?")
    except (ControlError, ServerError) as error:
        fail(str(error))
    except (AttributeError, LookupError, TypeError):
        # The block reads nothing of an answer but what all of mockfoundry's have.
        fail(f"{base} is not a mockfoundry server: its JSON is not what the control API answers")


@contextmanager
def ask_control(url: str | None, path: str, control_token: str, query: Mapping[str, Any]) -> Iterator[Any]:
    """What a GET of the control API answers, to be read inside the block: it may be another server's."""
    with connect_to_control(url, control_token) as client:
        yield client("GET", path, query=query)


def foundation_path(name: str, path: str) -> str:
    return f"/foundations/{quote(name, safe='')}{path}"


@click.command()
@URL_OPTION
@TOKEN_OPTION
@click.option("--foundation", default="", help="Only this foundation; all together by default.")
@click.option("--operation", default="", help="Only these operations, with commas between.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="A table, or JSON.")
@click.option("--fail-under", type=click.FloatRange(0, 100), help="Exit code 1 if less than PERCENT was met.")
@click.option(
    "--scenario",
    "wanted",
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
    wanted: tuple[str, str] | None,
) -> None:
    """Print which documented answers and faults clients have met."""
    path = foundation_path(foundation, "/coverage") if foundation else "/coverage"
    query = {"operation": wanted[0] if wanted else operation}
    with ask_control(url, path, control_token, query) as answer:
        if wanted:
            print_text(find_scenario_for(answer["squares"], *wanted), newline=False)
            return
        print_answer(answer, form)
        if fail_under is not None and answer["percent"] < fail_under:
            fail(f"{answer['percent']:g} % was met, {fail_under:g} % is asked for", code=1)


def find_scenario_for(squares: list[dict[str, Any]], operation: str, wanted: str) -> str:
    """The scenario file that makes a client meet an answer of an operation; ends the command where there is none."""
    names = [f"{each['fault']} {each['phase']}" if each["fault"] else str(each["status"]) for each in squares]
    if wanted not in names:
        fail(f"{wanted} is no answer of {operation}; mockfoundry coverage --operation {operation} lists them")
    square = squares[names.index(wanted)]
    if square["scenario"] is None:
        fail(f"{operation} {wanted} was met {square['times']} times already; no scenario is needed")
    return str(square["scenario"])


@click.command()
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@click.option("--follow", "-f", is_flag=True, help="Keep printing new exchanges, until Ctrl-C.")
@click.option("--operation", default="", help="Only these operations, with commas between.")
@click.option("--status", default="", help="Only these statuses, with commas between.")
@click.option("--scenario", default="", help="Only exchanges that this scenario decided.")
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
    """Print the journal of a foundation."""
    if number is not None:
        with ask_control(url, foundation_path(foundation, f"/requests/{number}"), control_token, {}) as exchange:
            print_text(exchange["curl"])
        return
    query = {"operation": operation, "status": status, "scenario": scenario}
    path = foundation_path(foundation, "/requests")
    if not follow:
        with ask_control(url, path, control_token, query) as answer:
            if answer["dropped"] and form == "text":
                print_text(f"{answer['dropped']} exchanges before these were dropped", error=True)
            for each in answer["requests"]:
                print_exchange(each, form)
        return
    with connect_to_control(url, control_token) as client, suppress(KeyboardInterrupt):
        follow_exchanges(client, path, query, form)


def follow_exchanges(client: "SocketControlClient", path: str, query: Mapping[str, Any], form: str) -> None:
    """Prints exchanges as they come, until the server ends the stream."""
    from mockfoundry.client.errors import ServerError

    with client.stream(path, {**query, "follow": True}) as lines:
        is_first = True
        try:
            for line in lines:
                print_exchange(json.loads(line), form)
                is_first = False
        except (ServerError, ValueError) as error:
            if is_first and isinstance(error, ValueError):
                raise TypeError("the first line is no exchange") from None
            print_text("mockfoundry: the server has ended the stream", error=True)


def print_answer(answer: dict[str, Any], form: str) -> None:
    """Prints an answer as JSON, or the table in it."""
    table = answer["table"]
    if not isinstance(table, str):
        raise TypeError("the table is no text")
    if form == "json":
        print_json(answer)
    else:
        print_text(table)


def print_exchange(exchange: dict[str, Any], form: str) -> None:
    """Prints an exchange in a line, coloured by how it ended."""
    line = "" if "missed" in exchange else exchange["line"]
    if form == "json":
        print_json(exchange)
    elif "missed" in exchange:
        print_text(f"… {exchange['missed']} exchanges were dropped before they could be shown", colour="magenta")
    else:
        print_text(quote_line(line), colour=choose_colour(exchange))


def choose_colour(exchange: dict[str, Any]) -> str:
    if exchange["fault"]:
        return "magenta"
    status = exchange["status"]
    if status is None:
        return "cyan"
    if status >= 500:
        return "red"
    return "yellow" if status >= 400 else "green"


@click.command()
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
def replay(url: str | None, control_token: str, foundation: str) -> None:
    """Print a scenario file that makes a client meet the same failures again; exit code 1 if there was no failure."""
    with ask_control(url, foundation_path(foundation, "/replay"), control_token, {}) as answer:
        dropped, scenario = answer["dropped"], answer["scenario"]
        if dropped:
            print_text(f"mockfoundry: {dropped} exchanges were dropped, and are not in it", error=True)
        if scenario is None:
            fail(f"clients of {foundation} have met no failure that a scenario can play again", code=1)
        print_text(scenario, newline=False)


@click.command()
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@click.option("--operation", default="", help="Only this operation.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="A table, or JSON.")
@click.option("--max", "most", type=click.IntRange(0), help="Exit code 1 if any request was repeated more often.")
@click.option(
    "--honours-retry-after", is_flag=True, help="Exit code 1 if a repeat came earlier than Retry-After allows."
)
@click.option("--never-twice", is_flag=True, help="Exit code 1 if a repeat changed the world a second time.")
@click.option("--within", metavar="DURATION", help="A request later than that after an answer is not a repeat.")
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
    """Print which requests clients repeated."""
    query = {
        "operation": operation,
        "max": most,
        "honours_retry_after": honours_retry_after,
        "never_twice": never_twice,
        "within": within,
    }
    asserted = most is not None or honours_retry_after or never_twice
    with ask_control(url, foundation_path(foundation, "/retries"), control_token, query) as answer:
        print_answer(answer, form)
        if asserted and answer["verdict"]["result"] != "holds":
            fail(answer["verdict"]["said"], code=1)
