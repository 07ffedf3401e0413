"""How a command says that it can't go on: one clear line and an exit code. Never a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn, TextIO

from mockfoundry.cli.printing import print_text


def fail(text: str, code: int = 2) -> NoReturn:
    """Ends the command with a line for each line of the text."""
    for line in text.splitlines():
        print_text(f"mockfoundry: {line}", error=True)
    raise SystemExit(code)


def require_standard_input() -> TextIO:
    """The standard input; ends the command where that was closed before it began, as daemons close it."""
    # Python's own types leave out that it may be None.
    standard_input: TextIO | None = sys.stdin
    if standard_input is None:
        fail("the standard input is closed; name a file, or give it the text: mockfoundry … < FILE")
    return standard_input


@contextmanager
def report_user_errors() -> Iterator[None]:
    """Ends the command where a file that the user names can't be used."""
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
