"""Patch words: what can be told of a change in a seed file's words without its world. Never looks at a world.

`given:` of a scenario is checked with this when its file is read; `misfits` says the rest when it meets a world.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mockfoundry.cloudfoundry.seeds.format import SEED
from mockfoundry.cloudfoundry.seeds.kinds import MAX_REPEATED
from mockfoundry.cloudfoundry.seeds.read import find_misplaced_steps, find_repeated_names, list_entries
from mockfoundry.cloudfoundry.seeds.snapshot import SNAPSHOT_KEYS
from mockfoundry.cloudfoundry.seeds.values import SeedFields
from mockfoundry.documents.declare import Finding, Path, Reading

SNAPSHOT_TEXT = "only an export has this key, and only a whole seed is read with it; leave it out, or replace the state"


def read_patch_words(value: Any, path: Path, reading: Reading) -> None:
    """Reports what is wrong with a change in whatever world it is made.

    Args:
        value: of JSON, a mapping.
        path: where it stands in the document that is read.
    """
    SEED.read(value, path, reading)
    if reading.repeated > MAX_REPEATED:
        return
    for finding in dict.fromkeys(find_patch_disagreements(value)):
        reading.report((*path, *finding.path), finding.text, "key")


def find_patch_disagreements(data: SeedFields) -> Iterator[Finding]:
    """What no world allows; `data` may hold anything where it has not the form of a seed."""
    if "snapshot" in data:
        yield Finding(("snapshot",), SNAPSHOT_TEXT)
    users = list_entries(data, "users", ())
    yield from find_repeated_names(users, "user", "name")
    yield from find_repeated_names(list_entries(data, "clients", ()), "client", "id")
    for user, at in users:
        yield from (Finding((*at, name), SNAPSHOT_TEXT) for name in user if name in SNAPSHOT_KEYS)
    for organization, at in list_entries(data, "organizations", ()):
        for space, below in list_entries(organization, "spaces", at):
            for app, place in list_entries(space, "apps", below):
                yield from find_app_patch_disagreements(app, place)


def find_app_patch_disagreements(app: SeedFields, path: Path) -> Iterator[Finding]:
    deployment = app.get("deployment")
    if isinstance(deployment, Mapping) and "progress" in deployment:
        yield Finding((*path, "deployment", "progress"), SNAPSHOT_TEXT)
    yield from (Finding((*path, name), SNAPSHOT_TEXT) for name in app if name in SNAPSHOT_KEYS)
    yield from find_misplaced_steps(app, path)
    for process, at in list_entries(app, "processes", path):
        yield from (Finding((*at, name), SNAPSHOT_TEXT) for name in process if name in SNAPSHOT_KEYS)
        yield from find_unknown_instances(process, at)


def find_unknown_instances(process: SeedFields, path: Path) -> Iterator[Finding]:
    """States of instances beyond those that the document itself asks for."""
    states, instances = process.get("instance_states"), process.get("instances")
    if not isinstance(states, Mapping) or not isinstance(instances, int) or instances < 0:
        return
    for index in states:
        if str(index).isdigit() and int(index) >= instances:
            text = f"there is no instance {index}; the document asks for {instances}, counted from 0"
            yield Finding((*path, "instance_states", index), text)
