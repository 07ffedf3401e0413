"""The picture of the house: the import linter's layers as an SVG, each room with what its docstring says it is for."""

import ast
import textwrap
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "mock" / "mockfoundry"
PICTURE = ROOT / "docs" / "architecture.svg"

WIDTH = 960
MARGIN = 24
GAP = 8
LINE_HEIGHT = 17
CHARACTER_WIDTH = 6.7
"""Of the picture's small text, in pixels; a little too wide rather than too narrow."""

_STYLE = """
  text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #24292f; }
  .name { font: 600 14px ui-monospace, monospace; }
  rect { fill: #f6f8fa; stroke: #8c959f; }
  path { stroke: #57606a; fill: none; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } rect { fill: #161b22; stroke: #6e7681; } path { stroke: #8b949e; }
  }
"""


def read_layers() -> list[list[str]]:
    """The layers of pyproject.toml, top first, each with the names of its rooms."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(each for each in settings["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    return [[name.strip().removeprefix("mockfoundry.") for name in layer.split("|")] for layer in contract["layers"]]


def read_purpose(room: str) -> str:
    """What a room is for: the first sentence of its docstring, without the room's own name before it."""
    folder = PACKAGE / room / "__init__.py"
    file = folder if folder.exists() else PACKAGE / f"{room}.py"
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    sentence = docstring.split("\n\n", 1)[0].replace("\n", " ").partition(". ")[0].rstrip(".")
    _, colon, purpose = sentence.partition(": ")
    return purpose if colon else sentence


def render_room(room: str, x: float, y: float, width: float, height: float) -> list[str]:
    lines = textwrap.wrap(read_purpose(room), int((width - 20) / CHARACTER_WIDTH))
    shapes = [f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>']
    shapes.append(f'<text class="name" x="{x + 10:g}" y="{y + 20:g}">{escape(room)}</text>')
    for number, line in enumerate(lines, 1):
        shapes.append(f'<text x="{x + 10:g}" y="{y + 20 + number * LINE_HEIGHT:g}">{escape(line)}</text>')
    return shapes


def measure_room(room: str, width: float) -> float:
    """The height that a room needs, in pixels."""
    lines = textwrap.wrap(read_purpose(room), int((width - 20) / CHARACTER_WIDTH))
    return 32 + len(lines) * LINE_HEIGHT


def render_house() -> str:
    """The whole picture as the text of its file."""
    shapes: list[str] = []
    y = 40.0
    for layer in read_layers():
        width = (WIDTH - 2 * MARGIN - GAP * (len(layer) - 1)) / len(layer)
        height = max(measure_room(room, width) for room in layer)
        for position, room in enumerate(layer):
            shapes += render_room(room, MARGIN + position * (width + GAP), y, width, height)
        y += height + GAP
    arrow = f'<path d="M 10 44 V {y - 14:g} M 5 {y - 21:g} L 10 {y - 14:g} L 15 {y - 21:g}"/>'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 8:g}" role="img">',
            "<title>The rooms of mockfoundry: imports point downwards</title>",
            f"<style>{_STYLE}</style>",
            f'<text x="{MARGIN}" y="24">Imports point downwards; rooms side by side do not import each other.</text>',
            arrow,
            *shapes,
            "</svg>",
            "",
        ]
    )
