"""Where the files that ship with the package are: the three contracts and the scenario library. Never reads them."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "shipped_files"
_CHECKOUT = _PACKAGE.parent.parent

_ROOT = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT

CONTRACT_FILE = _ROOT / "openapi.yaml"
PLATFORM_CONTRACT_FILE = _PACKAGE / "cloudfoundry" / "platform.yaml"
CONTROL_CONTRACT_FILE = _PACKAGE / "control" / "openapi.yaml"
SCENARIO_DIRECTORY = _ROOT / "scenarios"


@cache
def list_library_files() -> Mapping[str, Path]:
    """The built-in scenario files by the scenarios' names, in the order of the names."""
    return {path.stem: path for path in sorted(SCENARIO_DIRECTORY.glob("*.yaml"))}
