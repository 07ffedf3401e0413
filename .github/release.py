"""What a tag releases: prints the changelog's section of its version, or ends with what has to be mended before it.

`python .github/release.py v0.1.0 https://HOST/OWNER/NAME > notes.md`, where the second names the repository that the
tag is in.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECTION = re.compile(r"^## (?P<title>.*?)\n(?P<text>.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)


def find_notes(changelog: str, version: str) -> str:
    """The text below a version's heading (`## 0.1.0`, or `## 0.1.0 - 2026-11-28`); empty where there is none."""
    sections = {each["title"].split(" - ")[0].strip(): each["text"].strip() for each in SECTION.finditer(changelog)}
    return sections.get(version, "")


def find_obstacles(tag: str, version: str, notes: str, declared: str, published_from: str) -> list[str]:
    """What keeps a tag from being released.

    Args:
        declared: the repository that pyproject.toml names.
        published_from: the repository that the tag is in.
    """
    found = []
    if tag != f"v{version}":
        found.append(f"the tag is {tag}, but version.py says {version}; make the tag v{version}")
    if not notes:
        found.append(f'CHANGELOG.md has nothing under "## {version}"; rename "## Unreleased"')
    if declared != published_from:
        found.append(
            f'pyproject.toml has repository = "{declared}", but this is {published_from}; links of the README would '
            "lead elsewhere"
        )
    return found


def main(tag: str, published_from: str) -> None:
    version = re.findall(r'"(.*)"', (ROOT / "mock/mockfoundry/version.py").read_text(encoding="utf-8"))[-1]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    notes = find_notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    declared = project["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"]
    obstacles = find_obstacles(tag, version, notes, declared, published_from)
    if obstacles:
        sys.exit("\n".join(f"release: {each}" for each in obstacles))
    sys.stdout.write(f"{notes}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
