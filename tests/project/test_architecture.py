"""The architecture pages: what they draw and name is what the code has."""

import re

from tests.project.house import PACKAGE, PICTURE, ROOT, read_layers, read_purpose, render_house

PAGE = ROOT / "docs" / "architecture.md"


def test_the_picture_shows_the_layers_that_the_import_linter_holds() -> None:
    """The drawing is made from pyproject.toml and the rooms' docstrings, so it can't say something else."""
    assert PICTURE.read_text(encoding="utf-8") == render_house(), "`make documents` draws it anew"


def test_every_room_of_the_package_stands_in_a_layer() -> None:
    """A new room is placed before anything imports it."""
    rooms = {each.stem for each in PACKAGE.iterdir() if each.suffix == ".py" and each.stem != "__init__"}
    rooms |= {each.name for each in PACKAGE.iterdir() if (each / "__init__.py").exists()}
    assert rooms == {room for layer in read_layers() for room in layer}


def test_every_room_says_what_it_is_for() -> None:
    """The first sentence of a room's docstring is what the picture shows."""
    assert [room for layer in read_layers() for room in layer if not read_purpose(room)] == []


def test_every_file_that_the_page_names_is_there() -> None:
    """A file that was moved is named by its new place."""
    named = re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.(?:py|yaml|toml|sha256))`", PAGE.read_text(encoding="utf-8"))
    missing = [
        name
        for name in named
        if not any((folder / name).exists() for folder in (ROOT, PACKAGE, PACKAGE / "cloudfoundry"))
    ]
    assert named, "the page names files"
    assert missing == []


def test_every_decision_stands_in_the_list() -> None:
    """docs/decisions/README.md lists the pages beside it."""
    pages = {each.name for each in (ROOT / "docs" / "decisions").glob("0*.md")}
    listed = set(re.findall(r"\((0[^)]+\.md)\)", (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8")))
    assert pages == listed
