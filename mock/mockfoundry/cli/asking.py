"""`mockfoundry health` and `mockfoundry wait`: ask a running server whether it is ready."""

import json
import os
import time
from http.client import HTTPException
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import click

URL_OPTION = click.option(
    "--url", envvar="MOCKFOUNDRY_URL", default=None, help="Where the server is; http://127.0.0.1:PORT by default."
)

PAUSE_SECONDS = 0.05


def asked(url: str | None) -> str:
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
        click.echo(asked(url))
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
            click.echo(asked(url))
        except (OSError, ValueError) as error:
            if time.monotonic() >= end:
                click.echo(f"mockfoundry: {error} (waited {timeout:g} seconds)", err=True)
                raise SystemExit(1) from None
            time.sleep(PAUSE_SECONDS)
        else:
            return
