"""Commands that ask a running server: its health, its journal, and what it says of clients. They decide nothing."""

import json
import re
import shlex
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from mockfoundry.cli.connecting import (
    FOUNDATION_OPTION,
    TOKEN_OPTION,
    URL_OPTION,
    ask_control,
    choose_foundation,
    connect_to_control,
    foundation_path,
    must_be_server_url,
    server_url,
    warn_of_unreachable_shards,
)
from mockfoundry.cli.durations import duration_option
from mockfoundry.cli.errors import fail
from mockfoundry.cli.printing import FORMAT_CHOICE, measure_width, print_json, print_text
from mockfoundry.documents.quoting import quote_line, quote_text
from mockfoundry.wire_faults import WIRE_FAULT_NAMES

if TYPE_CHECKING:
    from mockfoundry.client.control import SocketControlClient

HEALTH_TIMEOUT_SECONDS = 5.0
MAX_HEALTH_BYTES = 1 << 20
VERIFY_TIMEOUT_SECONDS = 90.0
"""Longer than any verification may wait."""

POLL_SECONDS = 0.05


def check_health(url: str | None, seconds: float) -> tuple[dict[str, Any], str]:
    """What a server says about its health: its answer, and that in one line.

    Args:
        seconds: in which the whole of it has to come.

    Raises:
        ServerError: it does not answer, or is not mockfoundry.
    """
    from http.client import responses

    from mockfoundry.client.control import SocketControlClient
    from mockfoundry.client.errors import ControlError, ServerError, UnexpectedResponseError

    base = server_url(url)
    client = SocketControlClient(base, lambda: "", timeout=seconds, most=MAX_HEALTH_BYTES)
    try:
        found = client("GET", "/health")
        return found, f"{base} is {found['status']}: mockfoundry {found['version']}, {found['mode']}"
    except ControlError as error:
        raise ServerError(f"{base} does not tell its health: {error}") from None
    except UnexpectedResponseError as error:
        if error.status >= 300:
            told = f"{error.status} {responses.get(error.status, '')}".rstrip()
            raise ServerError(f"{base} answers {told}; is it mockfoundry?") from None
        raise ServerError(f"{base} is not mockfoundry: it has no health to show") from None
    except (KeyError, TypeError):
        raise ServerError(f"{base} is not mockfoundry: it has no health to show") from None
    finally:
        client.close()


def print_health(url: str | None, form: str, seconds: float = HEALTH_TIMEOUT_SECONDS) -> None:
    """Prints what a server says about its health.

    Args:
        seconds: in which it has to be said.

    Raises:
        ServerError: it does not answer, or is not mockfoundry.
    """
    answer, text = check_health(url, seconds)
    if form == "json":
        print_json(answer)
    else:
        print_text(text)


@click.command()
@URL_OPTION
@click.option("--format", "form", type=FORMAT_CHOICE, default="text", help="A line, or JSON.")
def health(url: str | None, form: str) -> None:
    """Ask a server for its health: exit code 0 if it is ready, 1 if not."""
    from mockfoundry.client.errors import ServerError

    try:
        print_health(url, form)
    except ServerError as error:
        fail(str(error), code=1)


@click.command()
@URL_OPTION
@duration_option("--timeout", "30s", "How long to wait at most; a bare number is seconds.")
@click.option("--format", "form", type=FORMAT_CHOICE, default="text", help="A line, or JSON.")
def wait(url: str | None, timeout: float, form: str) -> None:
    """Wait until a server is ready: exit code 0, or 1 if it is not ready in time, or is not trusted."""
    from mockfoundry.client.errors import ServerError, TlsMismatchError

    must_be_server_url(url)
    end = time.monotonic() + timeout
    mismatches = 0
    # Who does not wait at all asks once.
    seconds = min(timeout, HEALTH_TIMEOUT_SECONDS) or HEALTH_TIMEOUT_SECONDS
    while True:
        try:
            print_health(url, form, seconds)
        except ServerError as error:
            mismatches += isinstance(error, TlsMismatchError)
            # A server that starts may have written its authority's file after that was read here, so it is asked twice.
            if mismatches > 1:
                fail(str(error), code=1)
            rest = end - time.monotonic() - POLL_SECONDS
            if rest <= 0:
                fail(f"{error} (waited {timeout:g} seconds)", code=1)
            time.sleep(POLL_SECONDS)
            seconds = min(rest, HEALTH_TIMEOUT_SECONDS)
        else:
            return


@click.command()
@URL_OPTION
@TOKEN_OPTION
@click.option("--foundation", default="", help="Only this foundation; all together by default.")
@click.option("--operation", default="", help="Only these operations, with commas between.")
@click.option("--all", "every", is_flag=True, help="List operations that nobody has asked, too.")
@click.option("--format", "form", type=FORMAT_CHOICE, default="text", help="A table, or JSON.")
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
    every: bool,
    form: str,
    fail_under: float | None,
    wanted: tuple[str, str] | None,
) -> None:
    """Print which documented answers and faults clients have met."""
    path = foundation_path(foundation, "/coverage") if foundation else "/coverage"
    query = {"operation": wanted[0] if wanted else operation}
    with ask_control(url, path, control_token, query) as answer:
        warn_of_unreachable_shards(answer)
        if wanted:
            print_text(find_scenario_for(answer["squares"], *wanted), newline=False)
            return
        if form == "json":
            print_answer(answer, form)
        else:
            print_text(render_coverage(answer, every))
        if fail_under is not None and answer["percent"] < fail_under:
            fail(f"{answer['percent']:g} % was met, {fail_under:g} % is asked for", code=1)


def render_coverage(answer: dict[str, Any], every: bool) -> str:
    """The coverage that a server tells, as a table as wide as the terminal."""
    from mockfoundry.journal.coverage import ContractCoverage, CoverageItem, format_coverage_table

    keys = ("operation", "status", "fault", "phase", "times")
    squares = [CoverageItem(*(each[key] for key in keys)) for each in answer["squares"]]
    coverage = ContractCoverage(
        answer["percent"], answer["met"], answer["of"], squares, answer["undocumented"], answer["unanswered"]
    )
    return format_coverage_table(coverage, every, measure_width(), "mockfoundry coverage --all")


def find_scenario_for(squares: list[dict[str, Any]], operation: str, wanted: str) -> str:
    """The scenario file that makes a client meet an answer of an operation; ends the command where there is none."""
    names = [f"{each['fault']} {each['phase']}" if each["fault"] else str(each["status"]) for each in squares]
    if wanted not in names:
        fail(f"{wanted} is no answer of {operation}; mockfoundry coverage --operation {operation} lists them")
    return str(squares[names.index(wanted)]["scenario"])


@click.command()
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@click.option("--follow", "-f", is_flag=True, help="Keep printing new exchanges, until Ctrl-C.")
@click.option("--operation", default="", help="Only these operations, with commas between.")
@click.option("--status", default="", help="Only these statuses, with commas between.")
@click.option("--scenario", default="", help="Only exchanges that this scenario decided.")
@click.option("--format", "form", type=FORMAT_CHOICE, default="text", help="Lines for people, or JSON.")
@click.option("--curl", "number", type=click.IntRange(1), help="Print exchange NUMBER as a curl command instead.")
def log(
    url: str | None,
    control_token: str,
    foundation: str | None,
    follow: bool,
    operation: str,
    status: str,
    scenario: str,
    form: str,
    number: int | None,
) -> None:
    """Print what was sent to a foundation and what came: a line a request, repeats in one."""
    foundation = choose_foundation(foundation, url)
    if number is not None:
        with ask_control(url, foundation_path(foundation, f"/requests/{number}"), control_token, {}) as exchange:
            print_text(exchange["curl"])
            tell_variables(exchange["curl"], exchange["actor"], foundation, url)
        return
    query = {"operation": operation, "status": status, "scenario": scenario}
    path = foundation_path(foundation, "/requests")
    if not follow:
        with ask_control(url, path, control_token, query) as answer:
            if answer["dropped"] and form == "text":
                print_text(f"{answer['dropped']} exchanges before these were dropped", error=True)
            for each in answer["requests"] if form == "json" else merge_lines(answer):
                print_exchange(each, form)
        return
    with connect_to_control(url, control_token) as client, suppress(KeyboardInterrupt):
        follow_exchanges(client, path, query, form)


def tell_variables(command: str, user: str | None, foundation: str, url: str | None) -> None:
    """Says how the variables in a curl command are set: the journal keeps no secret.

    Args:
        user: whose request it was; None where its token counted for nobody.
    """
    names = dict.fromkeys(re.findall(r'"\$(TOKEN|SECRET(?:_[0-9]+)?)"', command))
    for name in names:
        said = f"set {name} to what the request had there; the journal does not keep it"
        if name == "TOKEN" and user:
            where = ["--foundation", foundation, *(["--url", server_url(url)] if url else [])]
            said = f"set its token before: TOKEN=$({shlex.join(['mockfoundry', 'token', user, *where])})"
        print_text(f"mockfoundry: {quote_line(said)}", error=True)


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


def merge_lines(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Of exchanges that share a line the first, with that line."""
    by_number = {each["number"]: each for each in answer["requests"]}
    return [{**by_number[each["first"]], "line": each["line"]} for each in answer["lines"]]


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
@click.option("--format", "form", type=FORMAT_CHOICE, default="text", help="The scenario file, or JSON.")
def replay(url: str | None, control_token: str, foundation: str | None, form: str) -> None:
    """Print a scenario file that makes a client meet the same failures again; exit code 1 if there was no failure."""
    foundation = choose_foundation(foundation, url)
    with ask_control(url, foundation_path(foundation, "/replay"), control_token, {}) as answer:
        dropped, scenario = answer["dropped"], answer["scenario"]
        if dropped:
            print_text(f"mockfoundry: {dropped} exchanges were dropped, and are not in it", error=True)
        if scenario is None:
            fail(f"clients of {foundation} have met no failure that a scenario can play again", code=1)
        if form == "json":
            print_json(answer)
        else:
            print_text(scenario, newline=False)


@click.command()
@click.argument("operation", default="")
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.IntRange(100, 599),
    help="Answered with this; may be given several times.",
)
@click.option("--actor", help="Sent by this user.")
@click.option("--fault", type=click.Choice(["any", "none", *WIRE_FAULT_NAMES]), help="Hit by this fault on the wire.")
@click.option("--times", type=click.IntRange(0), help="Exactly so many.")
@click.option("--at-least", type=click.IntRange(0), help="So many or more; 1 unless another number is given.")
@click.option("--at-most", type=click.IntRange(0), help="So many or fewer.")
@click.option("--within", metavar="DURATION", help="Wait until it holds, 60s at most.")
@click.option("--format", "form", type=FORMAT_CHOICE, default="text", help="A sentence, or JSON.")
def verify(
    operation: str,
    url: str | None,
    control_token: str,
    foundation: str | None,
    statuses: tuple[int, ...],
    actor: str | None,
    fault: str | None,
    times: int | None,
    at_least: int | None,
    at_most: int | None,
    within: str | None,
    form: str,
) -> None:
    """Check what clients did: how many requests of OPERATION, or of any, came as the options say.

    The exit code is 1 where it does not hold, or can't be known because exchanges were dropped.

    \b
      mockfoundry verify scaleProcess --status 202 --times 1
    """
    given = {
        "operation": operation or None,
        "status": list(statuses) or None,
        "actor": actor,
        "fault": fault,
        "times": times,
        "at_least": at_least,
        "at_most": at_most,
        "within": within,
    }
    question = {name: value for name, value in given.items() if value is not None} or {"at_least": 1}
    path = foundation_path(choose_foundation(foundation, url), "/verify")
    with connect_to_control(url, control_token, VERIFY_TIMEOUT_SECONDS) as client:
        verdict = client("POST", path, question)
        said, holds = quote_text(verdict["said"]), verdict["result"] == "holds"
        if form == "json":
            print_json(verdict)
        elif holds:
            print_text(said)
        if not holds:
            fail(said, code=1)


@click.command()
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@click.option("--operation", default="", help="Only this operation.")
@click.option("--format", "form", type=FORMAT_CHOICE, default="text", help="A table, or JSON.")
@click.option("--max", "most", type=click.IntRange(0), help="Exit code 1 if any request was repeated more often.")
@click.option(
    "--honours-retry-after", is_flag=True, help="Exit code 1 if a repeat came earlier than Retry-After allows."
)
@click.option("--never-twice", is_flag=True, help="Exit code 1 if a repeat changed the world a second time.")
@click.option("--within", metavar="DURATION", help="A request later than that after an answer is not a repeat.")
def retries(
    url: str | None,
    control_token: str,
    foundation: str | None,
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
    foundation = choose_foundation(foundation, url)
    with ask_control(url, foundation_path(foundation, "/retries"), control_token, query) as answer:
        print_answer(answer, form)
        if asserted and answer["verdict"]["result"] != "holds":
            fail(answer["verdict"]["said"], code=1)
