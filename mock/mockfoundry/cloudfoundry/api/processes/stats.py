"""Statistics: what each instance uses at a moment, computed from the clock and the seed. Never ticks, never draws.

Of an instance only its uptime and its usage move with time; all else is encoded once for each state that it is in.

Source: cloud_controller_ng, app/presenters/v3/process_stats_presenter.rb and
lib/cloud_controller/diego/reporters/instances_stats_reporter.rb.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from mockfoundry.cloudfoundry.api.presenters import encode_like_rails
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.generator import derive_word, mix_word
from mockfoundry.cloudfoundry.instances import (
    Instance,
    compute_load_cores,
    count_running_instances,
    instances_at,
    list_range_phases,
)
from mockfoundry.cloudfoundry.model import Allotment, App, ProcessModel
from mockfoundry.cloudfoundry.organizations import Space
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.times import format_second

MEGABYTE = 1024 * 1024
FILE_DESCRIPTORS = 16384
INTERNAL_PORT = 8080
INTERNAL_TLS_PORT = 61001
FIRST_EXTERNAL_PORT = 61002

IDLE_CORES = 0.005
IDLE_MEMORY = 0.3
IDLE_DISK = 0.12
ENTITLED_MEMORY = 1024
"""The memory, in MB, that entitles an instance to one processor core."""


class UsageSample(NamedTuple):
    """What the usage of every instance of a process is computed from.

    Attributes:
        seed_word: 64 bits that follow from the world's seed and the process.
        second: since the epoch; usage changes from one second to the next.
        time: the same second as usage shows it.
        cores_per_instance: how many cores of load each running instance has.
        load_memory_bytes: what the load takes of each instance's memory.
        resources: what each instance was started with.
        memory_quota: bytes of memory that each may use.
        disk: bytes of disk that each uses.
    """

    seed_word: int
    second: int
    time: str
    cores_per_instance: float
    load_memory_bytes: int
    resources: Allotment | ProcessModel
    memory_quota: int
    disk: int


class InstanceFrame(NamedTuple):
    """An instance as its stats show it, but for what time moves.

    Attributes:
        template: its JSON, with places for its uptime and, unless it is down, for its usage.
        number: its index among those of its process.
        since: from when its uptime counts; None where it has none.
        is_down: whether there is none, though one is wanted.
        is_measured: whether it has usage of its own.
    """

    template: bytes
    number: int
    since: int | None
    is_down: bool
    is_measured: bool


def encode_stats(world: World, app: App, space: Space, process: ProcessModel, now: int) -> list[bytes]:
    """The stats of a process as JSON, one for each index below `instances`."""
    is_started = app.state == "STARTED"
    sample = sample_usage(world, process, now) if world.settings.metrics == "available" and is_started else None
    segment = space.isolation_segment if is_started else None
    unmeasured = b"{}" if sample is None else _encode({"time": sample.time, **_NO_USAGE})
    encoded: list[bytes] = []
    for template, number, since, is_down, is_measured in find_frames(world, app, process, segment, sample, now):
        uptime = 0 if since is None or since > now else (now - since) // SECOND
        if is_down:
            encoded.append(template % uptime)
        elif is_measured and sample is not None:
            encoded.append(template % (uptime, _encode(present_usage(sample, number))))
        else:
            encoded.append(template % (uptime, unmeasured))
    return encoded


MAX_KEPT_FRAMES = 20
"""Of how many instances of a process the frames are kept with it; each takes less than 1 kB."""


def find_frames(
    world: World, app: App, process: ProcessModel, segment: str | None, sample: UsageSample | None, now: int
) -> list[InstanceFrame]:
    """The frames of the instances below `instances`, made anew where one of them came into another state."""
    # The process is not in the key: one that was written to is another value, which has no frames yet.
    key = (list_range_phases(world, process, now), app.state, segment, sample is None, world.random_seed)
    kept: tuple[object, list[InstanceFrame]] | None = process.__dict__.get("frames")
    if kept is not None and kept[0] == key:
        return kept[1]
    frames = [
        build_frame(process, each, segment, sample)
        for each in instances_at(world, app, process, now)
        if each.index < process.instances
    ]
    if len(frames) <= MAX_KEPT_FRAMES:
        process.__dict__["frames"] = (key, frames)
    return frames


def build_frame(
    process: ProcessModel, instance: Instance, segment: str | None, sample: UsageSample | None
) -> InstanceFrame:
    is_down = instance.state == "DOWN"
    presented = (
        present_down_instance(process, instance, segment)
        if is_down
        else present_known_instance(process, instance, segment, sample)
    )
    # JSON has no zero bytes, so these are the places that are left open.
    template = encode_like_rails(presented).replace(b"%", b"%%").replace(b"\0", b"%")
    is_measured = sample is not None and is_placed(instance)
    return InstanceFrame(template, instance.index, instance.since, is_down, is_measured)


_UPTIME, _USAGE = msgspec.Raw(b"\0d"), msgspec.Raw(b"\0b")
_encode = msgspec.json.Encoder().encode


def is_placed(instance: Instance) -> bool:
    """Whether an instance has a place: one that is not placed yet, or has crashed, has none."""
    return instance.state in ("RUNNING", "STOPPING")


def sample_usage(world: World, process: ProcessModel, now: int) -> UsageSample:
    """What usage is computed from at a moment."""
    load = process.load
    cores, memory = 0.0, 0
    if load is not None:
        cores = compute_load_cores(load, now - world.began_at) / max(1, count_running_instances(world, process, now))
        memory = int(cores * load.memory_per_core_in_mb * MEGABYTE)
    second, resources = now // SECOND, process.allotment or process
    return UsageSample(
        seed_word=derive_word(world.random_seed, "usage", process.guid),
        second=second,
        time=format_second(second).replace("Z", "+00:00"),
        cores_per_instance=cores,
        load_memory_bytes=memory,
        resources=resources,
        memory_quota=resources.memory_in_mb * MEGABYTE,
        disk=int(resources.disk_in_mb * MEGABYTE * IDLE_DISK),
    )


def present_down_instance(process: ProcessModel, instance: Instance, segment: str | None) -> dict[str, Any]:
    return {
        "type": process.type,
        "index": instance.index,
        "state": "DOWN",
        "routable": instance.routable,
        "uptime": _UPTIME,
        "isolation_segment": None if instance.since is None else segment,
        "details": instance.details,
    }


def present_known_instance(
    process: ProcessModel, instance: Instance, segment: str | None, sample: UsageSample | None
) -> dict[str, Any]:
    """An instance that the scheduler knows; its uptime and its usage are left open."""
    placed = is_placed(instance)
    measured = sample is not None and placed
    host, internal_ip, ports = find_place(instance.index) if placed else _NO_PLACE
    resources = process if sample is None else sample.resources
    return {
        "type": process.type,
        "index": instance.index,
        "instance_guid": instance.guid,
        "state": instance.state,
        "routable": instance.routable,
        "host": host,
        "instance_internal_ip": internal_ip,
        "uptime": _UPTIME,
        "mem_quota": resources.memory_in_mb * MEGABYTE if measured else None,
        "disk_quota": resources.disk_in_mb * MEGABYTE if measured else None,
        "log_rate_limit": resources.log_rate_limit_in_bytes_per_second if measured else None,
        "fds_quota": FILE_DESCRIPTORS,
        "isolation_segment": segment,
        "details": instance.details,
        "instance_ports": ports,
        "usage": _USAGE,
    }


_NO_USAGE = {"cpu": 0, "cpu_entitlement": 0, "mem": 0, "disk": 0, "log_rate": 0}
"""The Cloud Controller's usage of an instance that sent no metrics: whole numbers, for processors too."""


class Place(NamedTuple):
    """Where an instance runs.

    Attributes:
        ports: as they are shown.
    """

    host: str
    internal_ip: str
    ports: msgspec.Raw


_NO_PLACE = Place("", "", msgspec.Raw(b"[]"))


@lru_cache(maxsize=1024)
def find_place(index: int) -> Place:
    """Where the instance of an index runs: with the same index always in the same place."""
    cell, port = divmod(index, 250)
    external = FIRST_EXTERNAL_PORT + 2 * port
    ports = {
        "external": external,
        "internal": INTERNAL_PORT,
        "external_tls_proxy_port": external + 1,
        "internal_tls_proxy_port": INTERNAL_TLS_PORT,
    }
    host, internal_ip = f"10.0.{cell % 250}.{10 + port % 40}", f"10.255.{cell % 250}.{1 + port}"
    return Place(host, internal_ip, msgspec.Raw(msgspec.json.encode([ports])))


def present_usage(sample: UsageSample, index: int) -> dict[str, Any]:
    """What one instance uses: always the same for the same seed, process, index and second."""
    # Of one draw the first bits are the processor's, the next the memory's, the last the log's.
    word = mix_word(sample.seed_word ^ (index << 40) ^ (sample.second << 3))
    cpu = sample.cores_per_instance or IDLE_CORES * (0.5 + (word >> 43) * 2.0**-21)
    idle = int(sample.memory_quota * IDLE_MEMORY * (0.9 + 0.2 * (word >> 22 & 0x1FFFFF) * 2.0**-21))
    return {
        "time": sample.time,
        "cpu": cpu,
        "cpu_entitlement": cpu * ENTITLED_MEMORY / sample.resources.memory_in_mb,
        "mem": min(sample.memory_quota, idle + sample.load_memory_bytes),
        "disk": sample.disk,
        "log_rate": word >> 12 & 0x3FF,
    }
