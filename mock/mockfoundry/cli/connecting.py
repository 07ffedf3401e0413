"""Which server, and which foundation of it, a command means; and the control API there. Never prints an answer."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click
from click.core import ParameterSource

from mockfoundry.cli.errors import fail
from mockfoundry.cli.printing import print_text

if TYPE_CHECKING:
    from mockfoundry.client.control import SocketControlClient
    from mockfoundry.client.errors import ControlError

CALL_TIMEOUT_SECONDS = 30.0

URL_OPTION = click.option(
    "--url",
    envvar="MOCKFOUNDRY_URL",
    default=None,
    help="Where the server is; http://127.0.0.1:PORT by default. One of a foundation names that foundation, too.",
)
TOKEN_OPTION = click.option(
    "--control-token",
    envvar="MOCKFOUNDRY_CONTROL_TOKEN",
    default="",
    help="The token that the server was started with.",
)
FOUNDATION_OPTION = click.option(
    "--foundation",
    envvar="MOCKFOUNDRY_FOUNDATION",
    default=None,
    help="Which foundation; by default the one that the URL names, or else `default`.",
)


def server_url(url: str | None) -> str:
    """The URL of the server to ask, without a slash at the end.

    Args:
        url: of the server or of one of its foundations; None for this machine's.
    """
    from mockfoundry.client.control import split_foundation_url

    return split_foundation_url(url or f"http://127.0.0.1:{os.environ.get('MOCKFOUNDRY_PORT', '8080')}")[0]


def choose_foundation(foundation: str | None, url: str | None) -> str:
    """The name of the foundation that a command is about.

    What is said on the command line comes before what the environment says, and a name before a URL.

    Args:
        foundation, url: as the command was given them, by option or by environment.
    """
    from mockfoundry.client.control import split_foundation_url

    named = split_foundation_url(url)[1] if url else ""
    if named and is_on_command_line("url") and not is_on_command_line("foundation"):
        return named
    if foundation is not None and not foundation.strip():
        fail(f"--foundation: {foundation!r} is an empty name; give one, such as ci-42")
    return foundation or named or "default"


def is_on_command_line(parameter: str) -> bool:
    """Whether a parameter of the command that runs was typed, and did not come from the environment."""
    return click.get_current_context().get_parameter_source(parameter) is ParameterSource.COMMANDLINE


def must_be_server_url(url: str | None) -> None:
    """Ends the command where it is given what can be no server's URL, since waiting would not mend that."""
    from mockfoundry.client.control import parse_server_url
    from mockfoundry.client.errors import ServerError

    try:
        parse_server_url(server_url(url))
    except ServerError as error:
        fail(str(error))


_CALLS_AS_COMMANDS = (
    (r"\bGET /__mock/foundations/([^/\s]+)/scenarios\b", r"mockfoundry foundation show \1"),
    (r"\bGET /__mock/scenarios\b", "mockfoundry scenarios"),
    (r"\bGET /__mock/foundations(?![/\w])", "mockfoundry foundation list"),
    (r"\bPUT /__mock/foundations/([^/\s]+)", r"mockfoundry foundation make \1"),
    (r"^path name:", "foundation name:"),
    (r"^body /now\b", "--set"),
    (r"^body /user\b", "USER"),
    (r"^body /as\b", "OTHER"),
    (r"^body /([a-z_]+)", lambda found: f"--{found.group(1).replace('_', '-')}"),
    (r"\bsend replace: true\b", "give --replace"),
)
"""What a problem of the control API says, and what says it to a person who has typed a command."""


def word_for_command_line(detail: str) -> str:
    """A problem's detail with commands and their options in place of calls and their bodies."""
    for pattern, words in _CALLS_AS_COMMANDS:
        detail = re.sub(pattern, words, detail, flags=re.MULTILINE)
    return detail


def suggest_foundation(client: "SocketControlClient", error: "ControlError") -> str:
    """What to say behind an error: a foundation whose name is like the one that there is not; empty where none is."""
    from mockfoundry.client.errors import ControlError, ServerError
    from mockfoundry.documents.problems import did_you_mean

    unknown = re.match(r"foundation (\S+): there is none", error.detail)
    if unknown is None:
        return ""
    try:
        return did_you_mean(unknown.group(1), [each["name"] for each in client("GET", "/foundations")["foundations"]])
    except (ControlError, ServerError, LookupError, TypeError):
        return ""


@contextmanager
def connect_to_control(
    url: str | None, control_token: str, timeout: float = CALL_TIMEOUT_SECONDS
) -> "Iterator[SocketControlClient]":
    """The control API of a server, inside the block; where a call fails, the command ends with exit code 2."""
    from mockfoundry.client.control import SocketControlClient
    from mockfoundry.client.errors import ControlError, ServerError, UnexpectedResponseError

    base = server_url(url)
    try:
        advice = "--url says where the server is"
        client = SocketControlClient(base, lambda: advice, control_token, timeout)
        try:
            yield client
        except ControlError as error:
            fail(word_for_command_line(str(error)) + suggest_foundation(client, error))
        finally:
            client.close()
    except UnexpectedResponseError as error:
        if error.status < 300:
            fail("what answers there is not mockfoundry: it sends no JSON")
        fail(f"{base} answered {error.status}; is it mockfoundry?")
    except (ServerError, ValueError) as error:
        fail(str(error))
    except (AttributeError, LookupError, TypeError):
        # The block reads nothing of an answer but what all of mockfoundry's have.
        fail(f"{base} is not a mockfoundry server: its JSON is not what the control API answers")


@contextmanager
def ask_control(url: str | None, path: str, control_token: str, query: Mapping[str, Any]) -> Iterator[Any]:
    """What a GET of the control API answers, to be read inside the block: it may be another server's."""
    with connect_to_control(url, control_token) as client:
        yield client("GET", path, query=query)


def warn_of_unreachable_shards(answer: Mapping[str, Any]) -> None:
    """Says which shards an answer about all of them lacks."""
    for each in answer.get("unreachable", ()):
        print_text(f"mockfoundry: shard {each['shard']} is missing here: {each['reason']}", error=True)


def foundation_path(name: str, path: str) -> str:
    return f"/foundations/{quote(name, safe='')}{path}"
