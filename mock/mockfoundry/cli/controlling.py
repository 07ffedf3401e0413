"""Controlling: how commands call the control API of a running server. Never decides what is printed."""

import json
import os
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

import click

from mockfoundry.cli.failing import fail

TOKEN_OPTION = click.option(
    "--control-token",
    envvar="MOCKFOUNDRY_CONTROL_TOKEN",
    default="",
    help="The token that the server was started with.",
)
FOUNDATION_OPTION = click.option("--foundation", default="default", show_default=True, help="Which foundation.")


def opened(url: str | None, path: str, token: str, query: Mapping[str, Any], timeout: float | None) -> HTTPResponse:
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
        fail(detail_of(error, base))
    except (URLError, OSError, HTTPException, ValueError) as error:
        fail(f"{base} does not answer: {getattr(error, 'reason', error)}; --url says where the server is")
    return answer


def detail_of(error: HTTPError, base: str) -> str:
    """What a problem says."""
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"{base} answered {error.code}; is it mockfoundry?"


def asked(url: str | None, path: str, token: str, query: Mapping[str, Any]) -> Any:
    """The JSON that a call answers."""
    with opened(url, path, token, query, timeout=30) as answer:
        try:
            return json.load(answer)
        except ValueError:
            fail("what answers there is not mockfoundry: it sends no JSON")


def of_foundation(name: str, path: str) -> str:
    return f"/foundations/{quote(name, safe='')}{path}"
