"""Completion: what a shell proposes for a value that click knows no words of. Asked by click when a shell asks it."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete_scenario(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """The library's scenarios that begin so; files where there is none."""
    from click.shell_completion import CompletionItem

    from mockfoundry.shipped import list_library_files

    names = [CompletionItem(name) for name in list_library_files() if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]
