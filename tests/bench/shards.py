"""`make bench-shards`: one process, and 1, 2 and 4 shards behind nginx, with 1,000 foundations. Never decides anything.

What a request costs of each program's processor time says what more cores would bring, since nothing is shared between
shards; what they get through here says only what this machine's cores do.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.bench.deadline import BenchError
from tests.bench.servers import POST_SCALE, SCALE, Server, mock, running
from tests.shards.proxying import running_proxy

FOUNDATIONS = 1_000
CONNECTIONS = 64


class Setting(NamedTuple):
    """Servers that are asked as one.

    Attributes:
        url: that clients know.
        shards: the processes behind it.
        others: processes of nginx that are not of this setting.
    """

    url: str
    shards: list[Server]
    others: frozenset[int]

    def proxies(self) -> list[int]:
        """nginx's processes; none where the one shard is asked itself."""
        return [pid for pid in find_processes("nginx") if pid not in self.others]


class Measured(NamedTuple):
    """What a setting got through.

    Attributes:
        p99: milliseconds.
        shard: microseconds of a shard's processor time, a request.
        proxy: the same of nginx.
    """

    per_second: float
    p99: float
    shard: float
    proxy: float


@contextmanager
def setting_of(count: int, *, behind_nginx: bool) -> Iterator[Setting]:
    with ExitStack() as stack:
        shares = [["--shard", f"{number}/{count}"] if behind_nginx else [] for number in range(count)]
        # The default foundation is on one of them; the others answer what needs none.
        health = ("GET", "/__mock/health")
        shards = [stack.enter_context(running(mock(*share), pinned=False, health=health)) for share in shares]
        if not behind_nginx:
            yield Setting(shards[0].url, shards, frozenset(find_processes("nginx")))
            return
        before = frozenset(find_processes("nginx"))
        url = stack.enter_context(running_proxy("nginx", [each.url for each in shards]))
        yield Setting(url, shards, before)


def find_processes(name: str) -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and (folder / "comm").read_text().strip() == name:
                yield int(folder.name)
        except OSError:
            continue


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(setting: Setting, seconds: int) -> Measured:
    """Has wrk scale processes of all foundations in turn.

    Raises:
        BenchError: an answer is an error, or none came.
    """
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "--latency", "-s", str(POST_SCALE)]
    environment = {**os.environ, "FOUNDATIONS": str(FOUNDATIONS)}
    shards = sum(each.processor_seconds() for each in setting.shards)
    nginx = setting.proxies()
    proxies = sum(map(processor_seconds, nginx))
    done = subprocess.run(
        [*command, setting.url + SCALE], capture_output=True, text=True, env=environment, timeout=seconds + 60
    )
    shards = sum(each.processor_seconds() for each in setting.shards) - shards
    proxies = sum(map(processor_seconds, nginx)) - proxies
    counted, rate = re.search(r"(\d+) requests in ", done.stdout), re.search(r"Requests/sec: +([\d.]+)", done.stdout)
    p99 = re.search(r"99% +([\d.]+)(us|ms|s)", done.stdout)
    if counted is None or rate is None or p99 is None or "Non-2xx" in done.stdout:
        raise BenchError(f"wrk could not ask {setting.url}: {done.stdout}{done.stderr}")
    requests, unit = int(counted[1]), {"us": 0.001, "ms": 1.0, "s": 1_000.0}[p99[2]]
    microseconds = 1e6 / requests
    return Measured(float(rate[1]), float(p99[1]) * unit, shards * microseconds, proxies * microseconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=8, help="of each setting")
    chosen = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    tell(f"POST scale over {FOUNDATIONS:,} foundations, {CONNECTIONS} connections, {cores} cores for everything\n")
    tell("| setting | a second | p99 | a shard's time, a request | nginx's |\n|---|---|---|---|---|")
    last = Measured(0, 0, 0, 0)
    for count, behind_nginx in ((1, False), (1, True), (2, True), (4, True)):
        with setting_of(count, behind_nginx=behind_nginx) as setting:
            measure(setting, 2)
            last = measure(setting, chosen.seconds)
        name = f"{count} shard{'s' if count > 1 else ''} behind nginx" if behind_nginx else "one process"
        times = f"{last.shard:.0f} µs | {last.proxy:.0f} µs" if behind_nginx else f"{last.shard:.0f} µs |"
        tell(f"| {name} | {last.per_second:,.0f} | {last.p99:.1f} ms | {times} |")
    a_core, spare = 1e6 / last.shard, last.proxy / last.shard
    tell(
        f"\nShards share nothing: a core gets through {a_core:,.0f} requests a second, and nginx needs {spare:.2f} of "
        f"a core for each core of shards. Eight shards with nginx take {8 * (1 + spare):.1f} cores for "
        f"{8 * a_core:,.0f} a second."
    )


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
