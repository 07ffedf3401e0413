"""Durations as options of commands: a bare number of seconds, or a number and a unit. Never reads a clock."""

from collections.abc import Callable
from typing import Any

import click

SECONDS_OF_A_YEAR = 31_536_000


def duration_option(
    name: str, default: str, about: str, most: float = SECONDS_OF_A_YEAR, takes_none: bool = True
) -> Callable[[Any], Any]:
    """An option whose value is a duration: `30`, `1.5`, `30s`, `2m`; the command gets seconds.

    Args:
        most: seconds that it may have.
        takes_none: whether it may be 0.
    """

    def read_value(_context: click.Context, _parameter: click.Parameter, text: str) -> float:
        try:
            seconds = parse_seconds(text, most)
        except ValueError as error:
            raise click.BadParameter(f"{text!r} is no duration that can be taken; {error}") from None
        if not (0 <= seconds <= most and (seconds or takes_none)):
            raise click.BadParameter(f"{text} is not {'from' if takes_none else 'above'} 0 up to {most:.0f} seconds")
        return seconds

    return click.option(name, default=default, metavar="DURATION", show_default=True, callback=read_value, help=about)


def parse_seconds(text: str, most: float) -> float:
    """Seconds of a bare number, or of a duration.

    Raises:
        ValueError: it is neither, or a duration of more than `most` seconds.
    """
    from mockfoundry.documents.times import parse_duration

    try:
        return float(text)
    except ValueError:
        pass
    try:
        return parse_duration(text, round(most * 1_000_000)) / 1_000_000
    except ValueError as error:
        hint = ", or seconds as a bare number: 30" if str(error).startswith("write") else ""
        raise ValueError(f"{error}{hint}") from None
