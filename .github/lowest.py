"""Prints `name==version` for each dependency that pyproject.toml declares with `>=`, extras and test group too.

As constraints these install the oldest that is promised to work: `make test CONSTRAINTS=build/lowest.txt`. The check
group stays out: linters are installed by those who change this project, at their newest.
"""

import re
import sys
import tomllib
from pathlib import Path

DECLARED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?>=(?P<version>[^;,\s]+)(?P<marker>\s*;.*)?")


def lowest(pyproject: str) -> list[str]:
    """The lines, sorted; what has no lower bound is not among them."""
    read = tomllib.loads(pyproject)
    project = read["project"]
    declared = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
        *read["dependency-groups"]["test"],
    ]
    found = [match for each in declared if (match := DECLARED.fullmatch(each))]
    return sorted({f"{match['name']}=={match['version']}{match['marker'] or ''}" for match in found}, key=str.lower)


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest(Path("pyproject.toml").read_text(encoding="utf-8"))) + "\n")
