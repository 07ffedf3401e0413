"""The packages: whole, the same bytes each time, and with links that lead somewhere. And what a tag may release."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import yaml
from hatch_build import BLOCK_OF_CODE, RELATIVE_LINK, list_urls, resolve_links

from mockfoundry.version import __version__
from tests.packages import ROOT, build_packages

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
REPOSITORY = "https://code.example.org/owner/name"
RELEASE = f"{REPOSITORY}/blob/v1.2.3/"


def relative_links(text: str) -> list[str]:
    return [each["target"] for part in BLOCK_OF_CODE.split(text)[::2] for each in RELATIVE_LINK.finditer(part)]


def test_every_link_of_the_readme_leads_to_a_file_and_from_an_index_page_to_the_release() -> None:
    links = relative_links(README)
    assert links
    assert [each for each in links if not (ROOT / each.partition("#")[0]).exists()] == []
    resolved = resolve_links(README, REPOSITORY, "v1.2.3")
    assert relative_links(resolved) == []
    there = {*re.findall(r"\]\((https://code\.example\.org/[^)]*)\)", resolved)}
    raw = f"{REPOSITORY}/raw/v1.2.3/"
    assert {(raw if each.endswith(".png") else RELEASE) + each for each in links} <= there


def test_links_and_pictures_become_those_of_the_release() -> None:
    text = "![a](docs/a.png) [b\nc](b.md#c) [d](https://d.example) [e](#e)\n```md\n[f](f.md)\n```\n"
    assert resolve_links(text, REPOSITORY, "v1.2.3") == (
        f"![a]({REPOSITORY}/raw/v1.2.3/docs/a.png) [b\nc]({RELEASE}b.md#c) [d](https://d.example) [e](#e)\n"
        "```md\n[f](f.md)\n```\n"
    )
    assert resolve_links(text, "", "v1.2.3") == " b\nc [d](https://d.example) [e](#e)\n```md\n[f](f.md)\n```\n"


def test_the_project_s_urls_are_those_of_the_repository_that_is_named() -> None:
    assert list_urls("", "v1.2.3") == {}
    assert list_urls(REPOSITORY, "v1.2.3")["Changelog"] == f"{RELEASE}CHANGELOG.md"


def test_the_classifiers_name_the_pythons_and_systems_that_are_tested() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))
    pythons, machines = workflow["jobs"]["test"]["strategy"]["matrix"].values()
    classifiers = PROJECT["project"]["classifiers"]
    python = "Programming Language :: Python :: 3."
    assert [each.removeprefix(python) for each in classifiers if each.startswith(python)] == [
        each.removeprefix("3.") for each in pythons
    ]
    systems = {"ubuntu-latest": "POSIX :: Linux", "macos-latest": "MacOS"}
    named = {each.removeprefix("Operating System :: ") for each in classifiers if each.startswith("Operating System")}
    assert named == {systems[each] for each in machines}


SPEC = spec_from_file_location("release", ROOT / ".github" / "release.py")
assert SPEC is not None
assert SPEC.loader is not None
release = module_from_spec(SPEC)
SPEC.loader.exec_module(release)

CHANGELOG = "# Changelog\n\n## Unreleased\n\n- c\n\n## 0.2.0 - 2026-11-28\n\n### Added\n\n- b\n\n## 0.1.0\n\n- a\n"


@pytest.mark.parametrize(
    ("version", "notes"), [("0.2.0", "### Added\n\n- b"), ("0.1.0", "- a"), ("0.3.0", ""), ("0.2", "")]
)
def test_a_release_tells_what_the_changelog_has_of_its_version(version: str, notes: str) -> None:
    assert release.find_notes(CHANGELOG, version) == notes


def test_a_tag_that_disagrees_with_the_tree_is_not_released() -> None:
    assert release.find_obstacles("v1.0.0", "1.0.0", "- a", REPOSITORY, REPOSITORY) == []
    assert release.find_obstacles("v1.0.1", "1.0.0", "", "", REPOSITORY) == [
        "the tag is v1.0.1, but version.py says 1.0.0; make the tag v1.0.0",
        'CHANGELOG.md has nothing under "## 1.0.0"; rename "## Unreleased"',
        f'pyproject.toml has repository = "", but this is {REPOSITORY}; links of the README would lead elsewhere',
    ]


def test_a_release_that_can_t_be_says_so_and_prints_no_notes() -> None:
    command = [sys.executable, ".github/release.py", f"v{__version__}.post1", REPOSITORY]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"version.py says {__version__}" in done.stderr


def copy_tree(folder: Path) -> Path:
    """What packages are built from, at another place."""
    names = (*PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"], "/pyproject.toml", "/.gitignore")
    for name in names:
        source, target = ROOT / name.removeprefix("/"), folder / name.removeprefix("/")
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


def digest_of(file: Path) -> str:
    """Short, since pytest compares what differs sign by sign."""
    return sha256(file.read_bytes()).hexdigest()


@pytest.mark.long
def test_two_builds_give_the_same_bytes_and_the_sdist_gives_the_same_wheel(
    tmp_path: Path, packages: tuple[Path, Path]
) -> None:
    """Wherever the tree is, whenever its files were written, and whoever may read them."""
    first = [digest_of(each) for each in packages]
    (tmp_path / "tree").mkdir()
    tree = copy_tree(tmp_path / "tree")
    for file in tree.rglob("*"):
        if file.is_file():
            file.chmod(0o600)
            os.utime(file, (1_000_000_000, 1_000_000_000))
    assert [digest_of(each) for each in build_packages(tmp_path / "again", tree)] == first
    with tarfile.open(packages[0]) as sdist:
        sdist.extractall(tmp_path, filter="data")
    _, wheel = build_packages(tmp_path / "from_sdist", tmp_path / f"mockfoundry-{__version__}")
    assert digest_of(wheel) == first[1]
    dated = [
        build_packages(tmp_path / name, environment={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}) for name in "ab"
    ]
    assert [digest_of(each) for each in dated[0]] == [digest_of(each) for each in dated[1]] != first


@pytest.mark.long
def test_the_wheel_has_all_that_it_needs_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    own = {f"mockfoundry/{each.relative_to(ROOT / 'mock/mockfoundry')}" for each in tracked("mock/mockfoundry")}
    shipped = {f"mockfoundry/shipped_files/{each.relative_to(ROOT)}" for each in tracked("scenarios", "openapi.yaml")}
    info = f"mockfoundry-{__version__}.dist-info/"
    about = {f"{info}{name}" for name in ("METADATA", "WHEEL", "entry_points.txt", "licenses/LICENSE", "RECORD")}
    manual = {f"mockfoundry-{__version__}.data/data/share/man/man1/mockfoundry.1"}
    assert names == own | shipped | about | manual
    assert "mockfoundry/py.typed" in names
    assert "mockfoundry/contract/openapi.yaml.msgpack" in names
    assert "mockfoundry/shipped_files/scenarios/scenario.schema.json" in names


def tracked(*names: str) -> list[Path]:
    """The files of folders that belong to the project."""
    found = [each for name in names for each in ((ROOT / name).rglob("*") if (ROOT / name).is_dir() else [ROOT / name])]
    return [each for each in found if each.is_file() and "__pycache__" not in each.parts]
