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
from mockfoundry.cloudfoundry.generator import derive_word, mix_words
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
        second: since the epoch; usage changes from one second to the next.
        time: the same second as usage shows it.
        cores_per_instance: how many cores of load each running instance has.
        load_memory_bytes: what the load takes of each instance's memory.
        resources: what each instance was started with.
        memory_quota: bytes of memory that each may use.
        disk: bytes of disk that each uses.
    """

    second: int
    time: str
    cores_per_instance: float
    load_memory_bytes: int
    resources: Allotment | ProcessModel
    memory_quota: int
    disk: int


class InstanceGroup(NamedTuple):
    """Neighbouring instances of whose stats time moves the same.

    Attributes:
        since: from when their uptime counts; None where they have none.
        is_down: whether there is none of them, though they are wanted; a down instance has no usage at all.
        is_measured: whether each has usage of its own.
        numbers: their indexes among those of the process.
    """

    since: int | None
    is_down: bool
    is_measured: bool
    numbers: list[int]


class StatsFrame(NamedTuple):
    """The stats of a process, but for what time moves.

    Attributes:
        template: their JSON, with a place for each value that time moves.
        groups: whose values take the places, in this order.
        shown: how many instances there are.
        seed_word: 64 bits that follow from the world's seed and the process, for their usage.
    """

    template: bytes
    groups: list[InstanceGroup]
    shown: int
    seed_word: int


def encode_stats(world: World, app: App, space: Space, process: ProcessModel, now: int) -> tuple[bytes, int]:
    """The stats of a process as JSON, and how many instances they show: one for each index below `instances`."""
    is_started = app.state == "STARTED"
    sample = sample_usage(world, process, now) if world.settings.metrics == "available" and is_started else None
    segment = space.isolation_segment if is_started else None
    template, groups, shown, seed_word = find_frame(world, app, process, segment, sample, now)
    if not groups:
        return template, shown
    values: list[Any] = []
    for since, is_down, is_measured, numbers in groups:
        uptime = 0 if since is None or since > now else (now - since) // SECOND
        if is_measured and sample is not None:
            add_usage(values, sample, seed_word, numbers, uptime)
        elif is_down or sample is None:
            values += [uptime] * len(numbers)
        else:
            values += [uptime, sample.time] * len(numbers)
    # Encoded together, and taken apart again: no value has a comma.
    return template % tuple(_encode(values)[1:-1].split(b",")), shown


MAX_KEPT_INSTANCES = 20
"""Of how many instances of a process the frame is kept with it; each takes less than 1 kB."""


def find_frame(
    world: World, app: App, process: ProcessModel, segment: str | None, sample: UsageSample | None, now: int
) -> StatsFrame:
    """The frame of the instances below `instances`, made anew where one of them came into another state."""
    # The process is not in the key: one that was written to is another value, which has no frame yet.
    key = (list_range_phases(world, process, now), app.state, segment, sample is None, world.random_seed)
    kept: tuple[object, StatsFrame] | None = process.__dict__.get("frame")
    if kept is not None and kept[0] == key:
        return kept[1]
    instances = [each for each in instances_at(world, app, process, now) if each.index < process.instances]
    frame = build_frame(world, process, instances, segment, sample)
    if frame.shown <= MAX_KEPT_INSTANCES:
        process.__dict__["frame"] = (key, frame)
    return frame


def build_frame(
    world: World, process: ProcessModel, instances: list[Instance], segment: str | None, sample: UsageSample | None
) -> StatsFrame:
    groups: list[InstanceGroup] = []
    presented = []
    for each in instances:
        is_down, is_measured = each.state == "DOWN", sample is not None and is_placed(each)
        presented.append(
            present_down_instance(process, each, segment)
            if is_down
            else present_known_instance(process, each, segment, sample)
        )
        moves = (each.since, is_down, is_measured)
        if not groups or groups[-1][:3] != moves:
            groups.append(InstanceGroup(*moves, []))
        groups[-1].numbers.append(each.index)
    # JSON has no zero bytes, so these are the places that are left open.
    template = encode_like_rails({"resources": presented})
    if groups:
        template = template.replace(b"%", b"%%").replace(b"\0", b"%b")
    return StatsFrame(template, groups, len(instances), derive_word(world.random_seed, "usage", process.guid))


_PLACE = msgspec.Raw(b"\0")
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
        "uptime": _PLACE,
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
        "uptime": _PLACE,
        "mem_quota": resources.memory_in_mb * MEGABYTE if measured else None,
        "disk_quota": resources.disk_in_mb * MEGABYTE if measured else None,
        "log_rate_limit": resources.log_rate_limit_in_bytes_per_second if measured else None,
        "fds_quota": FILE_DESCRIPTORS,
        "isolation_segment": segment,
        "details": instance.details,
        "instance_ports": ports,
        "usage": {} if sample is None else present_usage(sample) if placed else _NO_USAGE,
    }


_NO_USAGE = {"time": _PLACE, "cpu": 0, "cpu_entitlement": 0, "mem": 0, "disk": 0, "log_rate": 0}
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


def present_usage(sample: UsageSample) -> dict[str, Any]:
    """What one instance uses; what time moves of it is left open, for the values of `add_usage`."""
    return {
        "time": _PLACE,
        "cpu": _PLACE,
        "cpu_entitlement": _PLACE,
        "mem": _PLACE,
        "disk": sample.disk,
        "log_rate": _PLACE,
    }


def add_usage(values: list[Any], sample: UsageSample, seed_word: int, numbers: list[int], uptime: int) -> None:
    """Adds what instances use, each behind its uptime: always the same for the same seed, process, index and second."""
    cores, time, quota = sample.cores_per_instance, sample.time, sample.memory_quota
    idle_memory, load_memory, memory = quota * IDLE_MEMORY, sample.load_memory_bytes, sample.resources.memory_in_mb
    seed_word ^= sample.second << 3
    for word in mix_words([seed_word ^ (number << 40) for number in numbers]):
        # Of one draw the first bits are the processor's, the next the memory's, the last the log's.
        cpu = cores or IDLE_CORES * (0.5 + (word >> 43) * 2.0**-21)
        used = int(idle_memory * (0.9 + 0.2 * (word >> 22 & 0x1FFFFF) * 2.0**-21)) + load_memory
        entitled = cpu * ENTITLED_MEMORY / memory
        values += (uptime, time, cpu, entitled, min(used, quota), word >> 12 & 0x3FF)
