"""Worlds as bytes: a world exactly, and back. Never keeps one, knows no foundation.

A value is MessagePack, or JSON where there is a number for which that has no room. Large tables are encoded part by
part, since one step of the encoder lets no other thread run.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from mockfoundry.cloudfoundry.model import App
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import SHARED_TABLES, AuditEvent, World

ENTITIES_AT_ONCE = 256
"""How many entities of a table one step encodes, or decodes."""

T = TypeVar("T")

Part = bytes
"""One value: a letter that says how it is written, then MessagePack, or JSON where there is a number for which that
has no room."""

PACKED, WRITTEN = b"m", b"j"

WORLD_FIELDS = tuple(
    name for name in World.__struct_fields__ if name not in SHARED_TABLES and name not in ("shared_tables", "events")
)
ENTITY_TABLES = tuple(sorted(SHARED_TABLES - {"events"}))


class WorldSnapshot(msgspec.Struct, frozen=True):
    """A world.

    Attributes:
        fields: what it has one of, by name.
        tables: the others, by name, each in parts.
        same_tables: those that are the very ones of the world that the foundation began as.
        actors, targets: of its events, each once.
        events: number, kind, moment, position of the actor and of the target, content.
    """

    fields: dict[str, Part]
    tables: dict[str, list[Part]]
    same_tables: tuple[str, ...]
    actors: list[Part]
    targets: list[Part]
    events: list[tuple[int, str, int, int, int, bytes]]


_encode = msgspec.msgpack.Encoder().encode
_encode_json = msgspec.json.Encoder().encode
_decode_world = msgspec.msgpack.Decoder(WorldSnapshot).decode


def encode_part(value: Any) -> Part:
    """A value's bytes, which `decode_part` takes with its type."""
    try:
        return PACKED + _encode(value)
    except OverflowError:
        return WRITTEN + _encode_json(value)


@cache
def decoders_of(type_: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    return msgspec.msgpack.Decoder(type_).decode, msgspec.json.Decoder(type_).decode


def decode_part(type_: Any, part: Part) -> Any:
    packed, written = decoders_of(type_)
    content = memoryview(part)[1:]
    return packed(content) if part[:1] == PACKED else written(content)


@cache
def type_hints_of(struct: type) -> Mapping[str, Any]:
    return get_type_hints(struct)


def entity_type_of(table: str) -> Any:
    """The type of an entity of a table, or of what a world has one of."""
    hint = type_hints_of(World)[table]
    return get_args(hint)[1] if table in SHARED_TABLES else hint


def encode_world(world: World) -> bytes:
    """A whole world's bytes."""
    return _encode(snapshot_of_world(world, None))


def decode_world(content: bytes) -> World:
    """The world of such bytes.

    Raises:
        MsgspecError, LookupError, TypeError, ValueError: they are none of this version.
    """
    return world_of_snapshot(_decode_world(content), None)


def snapshot_of_world(world: World, initial: World | None) -> WorldSnapshot:
    """A world's snapshot.

    Args:
        initial: what it began as, whose tables need not be written again; None for none.
    """
    same = [name for name in ENTITY_TABLES if initial is not None and getattr(world, name) is getattr(initial, name)]
    events = world.latest_events()
    actors, targets = PositionedValues(), PositionedValues()
    return WorldSnapshot(
        fields={name: encode_part(getattr(world, name)) for name in WORLD_FIELDS},
        tables={name: encode_table(getattr(world, name)) for name in ENTITY_TABLES if name not in same},
        same_tables=tuple(same),
        events=[
            (each.number, each.kind, each.moment, actors.add(each.actor), targets.add(each.target), each.content)
            for each in events
        ],
        actors=[encode_part(each) for each in actors.values],
        targets=[encode_part(each) for each in targets.values],
    )


class PositionedValues:
    """Values, each once, by their positions. The app of an event is large, and is that of many events."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._positions: dict[int, int] = {}

    def add(self, value: Any) -> int:
        """The position of a value."""
        position = self._positions.setdefault(id(value), len(self.values))
        if position == len(self.values):
            self.values.append(value)
        return position


def encode_table(table: Mapping[str, Any]) -> list[Part]:
    return [encode_part(dict(some)) for some in iterate_chunks(table.items(), ENTITIES_AT_ONCE)]


def iterate_chunks(values: Iterable[T], count: int) -> Iterator[list[T]]:
    """The values in lists of so many each, the last one of what is left."""
    rest = iter(values)
    while some := list(islice(rest, count)):
        yield some


def world_of_snapshot(read: WorldSnapshot, initial: World | None) -> World:
    """The world of a snapshot; it shares the tables that are those of `initial`."""
    hints = type_hints_of(World)
    values = {name: decode_part(hints[name], read.fields[name]) for name in WORLD_FIELDS}
    for name in ENTITY_TABLES:
        if initial is not None and name in read.same_tables:
            values[name] = getattr(initial, name)
            continue
        table: dict[str, Any] = {}
        for part in read.tables[name]:
            table.update(decode_part(hints[name], part))
        values[name] = table
    actors = [decode_part(User, each) for each in read.actors]
    targets = [decode_part(App, each) for each in read.targets]
    values["events"] = [
        AuditEvent(number, kind, moment, actors[actor], targets[target], content)
        for number, kind, moment, actor, target, content in read.events
    ]
    return World(**values, shared_tables=SHARED_TABLES if initial is None else frozenset(read.same_tables))
