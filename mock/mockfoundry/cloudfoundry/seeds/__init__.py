"""Seeds: what a foundation begins with, read with places and built, and what a scenario changes in it."""

from mockfoundry.cloudfoundry.seeds.reading import (
    Seed,
    default_seed,
    default_world,
    read_seed,
    seed_from,
    world_from,
)
from mockfoundry.cloudfoundry.seeds.writing import world_as_seed

__all__ = ["Seed", "default_seed", "default_world", "read_seed", "seed_from", "world_as_seed", "world_from"]
