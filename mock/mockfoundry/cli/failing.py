"""Failing: how a command says that it can't go on: one clear line and exit code 2. Never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click


def fail(text: str) -> NoReturn:
    """Ends the command with a line (or a line for each problem) and exit code 2."""
    for line in text.splitlines():
        click.echo(f"mockfoundry: {line}", err=True)
    raise SystemExit(2)


@contextmanager
def said_plainly() -> Iterator[None]:
    """Turns what a user's files can do wrong into `fail`."""
    from mockfoundry.contract import ContractError
    from mockfoundry.documents import DocumentError

    try:
        yield
    except (ContractError, DocumentError) as error:
        fail(str(error))
    except UnicodeDecodeError as error:
        fail(f"a file is not UTF-8 text: {error.reason} at byte {error.start}")
    except OSError as error:
        fail(f"{error.filename or 'a file'}: can't be read: {error.strerror or error}")
