"""Checkouts of mockfoundry that the benchmark runs, all by this environment's Python. Measures nothing."""

import compileall
import os
from dataclasses import dataclass
from pathlib import Path

from tests.bench.deadline import BenchError


@dataclass(frozen=True)
class Tree:
    """A checkout whose mockfoundry is run; both of a comparison with the same installed packages.

    Attributes:
        folder: the top of the checkout.
    """

    folder: Path

    def environment(self, *further: Path) -> dict[str, str]:
        """What a process is given so that it imports this mockfoundry; then what those folders have."""
        path = os.pathsep.join(map(str, (self.folder / "mock", *further)))
        # As people have it: pytest keeps what it has rewritten of a plugin, instead of doing it in every run.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}

    def compile(self) -> None:
        """As installed packages are compiled; else the first start compiles what was changed."""
        package = self.folder / "mock" / "mockfoundry"
        if not package.is_dir():
            raise BenchError(f"{self.folder} is no checkout of mockfoundry: it has no mock/mockfoundry")
        compileall.compile_dir(package, quiet=1)


HERE = Tree(Path(__file__).parents[2])
