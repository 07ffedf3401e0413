"""Reading: a seed file's text as a seed, or every reason why not, with its place. Never builds half of one."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path as File
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.seeds.building import built
from mockfoundry.cloudfoundry.seeds.forms import SEED
from mockfoundry.cloudfoundry.seeds.references import disagreements
from mockfoundry.cloudfoundry.seeds.shapes import Fault, Faults
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents import DocumentError, Node, Problem, nearest, plain_data, read_nodes

DEFAULT_SEED = File(__file__).resolve().parent.parent / "default_seed.yaml"


class Seed(msgspec.Struct, frozen=True):
    """A seed that was read and can be built as often as wanted.

    Attributes:
        source: the file it came from, or a name for text that came another way.
        fields: what it gives, read as the world holds it.
    """

    source: str
    fields: dict[str, Any]


def read_seed(text: str, source: str) -> Seed:
    """A seed file's text (YAML or JSON) as a seed.

    Args:
        source: named in errors.

    Raises:
        DocumentError: with every problem and its place.
    """
    node = read_nodes(text, source)
    data = plain_data(node)
    fields, faults = checked(data)
    if faults:
        raise DocumentError(sorted(placed(node, fault, source) for fault in faults))
    return Seed(source, fields)


def seed_from(data: Mapping[str, Any], source: str = "seed") -> Seed:
    """A seed's values, as they come from JSON or are written in Python, as a seed.

    Raises:
        DocumentError: with every problem; each says by which keys and positions it is reached.
    """
    fields, faults = checked(data)
    if faults:
        raise DocumentError(
            Problem(source, 1, 1, f"{'/'.join(str(step) for step in fault.path) or 'seed'}: {fault.text}")
            for fault in faults
        )
    return Seed(source, fields)


def checked(data: Any) -> tuple[dict[str, Any], Faults]:
    """A seed's values as fields, and everything that is wrong with them."""
    faults: Faults = []
    fields = SEED(data, (), faults)
    if isinstance(data, Mapping):
        faults.extend(disagreements(data))
    return fields, faults


def placed(node: Node, fault: Fault, source: str) -> Problem:
    """A fault with its place in the text."""
    at = nearest(node, fault.path)
    return Problem(source, at.line, at.column, fault.text)


def world_from(seed: Seed, *, random_seed: int, born: int) -> World:
    """The world that a seed describes.

    Args:
        random_seed: what everything follows from that the seed leaves out.
        born: virtual microseconds since the epoch.
    """
    return built(seed.fields, random_seed, born)


@lru_cache(maxsize=1)
def default_seed() -> Seed:
    """The seed that ships with the package."""
    return read_seed(DEFAULT_SEED.read_text(encoding="utf-8"), DEFAULT_SEED.name)


def default_world(*, random_seed: int, born: int) -> World:
    """The world that a foundation begins as where no seed file was given."""
    return world_from(default_seed(), random_seed=random_seed, born=born)
