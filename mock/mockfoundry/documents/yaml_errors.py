"""YAML errors: what a parser could not read, in the words of someone who wrote it by hand. Never reads a document."""

import re

import yaml

from mockfoundry.documents.json import TOO_DEEP

_DASH_WITHOUT_BLANK = re.compile(r" *(-)[^\s\-]")
_COLON_WITHOUT_BLANK = re.compile(r" *(?:- +)?(([\w-]+):)[^\s:/][^:]*$", re.ASCII)
_COMMENT_OF_JSON = re.compile(r"\s*(//|/\*)")
_CLOSING_QUOTE = re.compile(r"[\"'] *$")

YamlFault = tuple[int, int, str]
"""A line and a column, both from 1, and what is wrong there."""


def explain_yaml_error(text: str, error: yaml.MarkedYAMLError) -> YamlFault:
    """Where a text is not YAML, and why.

    Args:
        error: what the parser says.
    """
    lines = text.split("\n")
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    opened = (error.context_mark.line + 1, error.context_mark.column + 1) if error.context_mark else (line, column)
    problem, context = str(error.problem), str(error.context)
    if "nesting depth" in problem:
        return line, column, TOO_DEEP
    here = lines[line - 1] if line <= len(lines) else ""
    if here[column - 1 : column] == "\t":
        return line, column, "a tab stands here; YAML is indented by blanks"
    slip = find_slip(lines, line)
    if slip is not None:
        return slip
    if "quoted scalar" in context:
        if "end of stream" in problem:
            return *opened, f"the quote {character_at(lines, *opened)} that opens here does not close"
        return line, column, "a backslash in double quotes begins an escape; write it twice, or take single quotes"
    if "cannot start any token" in problem or "scanning an a" in context:
        sign = character_at(lines, *opened)
        return *opened, f"text that begins with {sign} needs quotes: '{sign}…'"
    if "flow" in context:
        return line, column, explain_flow_error(lines, (line, column), opened)
    if "mapping values" in problem:
        if ": " in here[: column - 1]:
            text = "a second colon in a line: text with a colon in it needs quotes, and a mapping braces: {key: value}"
            return line, column, text
        return line, column, "this key has no place: the line above has a value already, or is indented otherwise"
    if "expected ':'" in problem:
        return *opened, "no colon follows; write a key with a colon and a blank after it: `key: value`"
    if problem in ("did not find expected '-' indicator", "did not find expected key"):
        return line, column, explain_block_error(here, column, context, opened)
    return line, column, f"is not YAML: {error.problem or error.context}"


def find_slip(lines: list[str], line: int) -> YamlFault | None:
    """A slip in the line of an error, or in the one before: what the parser takes for text, and stumbles over later."""
    for number in (line - 1, line):
        text = lines[number - 1] if 0 < number <= len(lines) else ""
        if found := _DASH_WITHOUT_BLANK.match(text):
            return number, found.start(1) + 1, "write a blank after the dash that begins an entry: `- `"
        if found := _COMMENT_OF_JSON.match(text):
            return number, found.start(1) + 1, "a comment begins with # in YAML; JSON has none"
        if found := _COLON_WITHOUT_BLANK.match(text):
            return number, found.start(1) + 1, f"write a blank after the colon: `{found.group(1)} …`"
    return None


def explain_flow_error(lines: list[str], place: tuple[int, int], opened: tuple[int, int]) -> str:
    """What is wrong between brackets or braces."""
    sign = character_at(lines, *opened)
    if sign not in ("[", "{"):
        return "something is missing here: a value, or what closes a bracket before it"
    closing = "]" if sign == "[" else "}"
    if character_at(lines, *place) in tuple("[]{}") and character_at(lines, *place) != closing:
        mend = f"; text with {character_at(lines, *place)} in it needs quotes"
    else:
        mend = ""
    return f"a comma or {closing} is missing before this: {sign} opens in line {opened[0]}, column {opened[1]}{mend}"


def explain_block_error(here: str, column: int, context: str, opened: tuple[int, int]) -> str:
    """What is wrong with a line that belongs to nothing above it."""
    before = here[: column - 1]
    if before.strip():
        if _CLOSING_QUOTE.search(before):
            return "something stands after a closing quote; quote the whole text, and in '…' write a quote twice: ''"
        return "something stands here that does not belong to the value before it; text with such signs needs quotes"
    what = "list" if "collection" in context or "sequence" in context else "mapping"
    blanks = opened[1] - 1
    if len(before) == blanks:
        return f"the {what} that begins in line {opened[0]} goes on here, but this line is no entry of a {what}"
    return (
        f"{len(before)} blanks before this fit nothing above; the {what} that begins in line {opened[0]} has {blanks}"
    )


def character_at(lines: list[str], line: int, column: int) -> str:
    return lines[line - 1][column - 1 : column] if line <= len(lines) else ""
