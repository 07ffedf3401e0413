"""How a command says that it can't go on: one clear line and an exit code. Never a traceback."""

import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn, TextIO

from mockfoundry.cli.printing import print_text
from mockfoundry.options import ServerOptions


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


def fail_to_listen(options: ServerOptions, error: OSError) -> NoReturn:
    """Ends the command whose server can't listen."""
    fail(f"can't listen on {options.host} port {options.port}: {error.strerror or error}{mend_of_address(error)}")


def mend_of_address(error: OSError) -> str:
    """What to do about an address that can't be listened on; empty where only the error itself says it."""
    if error.errno == errno.EADDRINUSE:
        return "; --port 0 takes a free one"
    if error.errno == errno.EACCES:
        return "; take a port from 1024 on: --port 8080, or --port 0 for a free one"
    if isinstance(error, socket.gaierror) or error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return "; --host takes an address of this machine: 127.0.0.1, or 0.0.0.0 for all that it has"
    return ""
