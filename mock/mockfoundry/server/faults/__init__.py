"""Faults: what goes wrong on the wire, one file each, by the name that scenario files give. Never decides when."""

from collections.abc import Awaitable, Callable, Mapping

from mockfoundry.server.faults.dribble import dribble
from mockfoundry.server.faults.empty import empty
from mockfoundry.server.faults.garbage import garbage
from mockfoundry.server.faults.hang import hang
from mockfoundry.server.faults.reset import reset
from mockfoundry.server.faults.truncate import truncate
from mockfoundry.server.wire import Wire

Fault = Callable[[Wire, bytes, bytes], Awaitable[None]]
"""Takes the wire, and the head and the body of the answer that there would have been."""

FAULTS: Mapping[str, Fault] = {
    "reset": reset,
    "empty": empty,
    "truncate": truncate,
    "garbage": garbage,
    "hang": hang,
    "dribble": dribble,
}

__all__ = ["FAULTS", "Fault"]
