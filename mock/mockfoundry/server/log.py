"""The server's log: lines on the standard error, without anything that controls a terminal. Never decides what is said.

Log lines repeat what clients sent, and tracebacks what was found in it.
"""

import logging

from mockfoundry.documents.quoting import quote_text


class QuotingFormatter(logging.Formatter):
    """A record as text, its traceback too, with an escape in place of everything that can't be printed."""

    def format(self, record: logging.LogRecord) -> str:
        return quote_text(super().format(record))


def write_log_to_standard_error() -> None:
    """Has every warning and error of this process written, quoted. For a process that is a server, and no more."""
    handler = logging.StreamHandler()
    handler.setFormatter(QuotingFormatter("%(message)s"))
    logging.getLogger().addHandler(handler)
