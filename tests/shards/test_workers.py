"""`mockfoundry serve --workers`: shards behind nginx as one server, which ends whole and starts a dead shard again."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mockfoundry.foundations.shards import find_shard
from tests import plain_http
from tests.serving import ADMIN, WEB
from tests.shards.proxying import NGINX, free_port
from tests.waiting import eventually

pytestmark = [pytest.mark.long, pytest.mark.skipif(not NGINX, reason="there is no nginx here")]

SCALE = f"v3/processes/{WEB}/actions/scale"


def children_of(parent: int) -> dict[int, str]:
    """The command lines of a process's children, by their numbers."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                stat = (folder / "stat").read_text()
                if int(stat.rpartition(")")[2].split()[1]) == parent:
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
    return found


def is_running(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the processes are found in /proc")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_workers_are_one_server(ending: signal.Signals, tmp_path: Path) -> None:
    port, names = free_port(), ["a", "b", "c", "d", "e", "f"]
    assert {find_shard(name, 2) for name in names} == {0, 1}
    command = [sys.executable, "-m", "mockfoundry", "serve", "--workers", "2", "--port", str(port)]
    with (tmp_path / "log").open("w+b") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:

        def said() -> str:
            return (tmp_path / "log").read_text()

        try:
            eventually(lambda: "Ctrl-C ends it." in said() or server.poll() is not None, what="the workers listen")
            assert server.poll() is None, said()
            with plain_http.client(base_url=f"http://127.0.0.1:{port}", headers=ADMIN) as client:
                for name in names:
                    scaled = client.post(f"/foundations/{name}/{SCALE}", json={"instances": 3})
                    assert scaled.status_code == 202
                found = client.get("/__mock/foundations").json()
                assert sorted(each["name"] for each in found["foundations"] if each["name"] != "default") == names
                assert found["unreachable"] == []
                # One that is killed is started again, alone: the foundations of the other are as they were.
                victim = next(pid for pid, line in children_of(server.pid).items() if "--shard 1/2" in line)
                os.kill(victim, signal.SIGKILL)
                told = "shard 1/2 has ended with exit code -9; it is started again"
                eventually(lambda: told in said(), what="the end of a shard is told")
                path = f"/foundations/{name_of(names, 1)}/v3/processes"
                eventually(lambda: client.get(path).status_code == 200, what="it serves again")
                kept = client.get(f"/foundations/{name_of(names, 0)}/v3/processes/{WEB}").json()
                assert kept["instances"] == 3
                anew = client.get(f"/foundations/{name_of(names, 1)}/v3/processes/{WEB}").json()
                assert anew["instances"] == 1
            children = children_of(server.pid)
            assert len(children) == 3
        finally:
            server.send_signal(ending)
            server.wait(30)
    if ending is signal.SIGINT:
        assert server.returncode == 0, said()
    eventually(lambda: not any(map(is_running, children)), what="everything ends")


def name_of(names: list[str], shard: int) -> str:
    return next(name for name in names if find_shard(name, 2) == shard)


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "mockfoundry", "serve", "--workers", "2", "--port"]
        port = str(taken.getsockname()[1])
        ended = subprocess.run([*command, port], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert f"can't listen on 127.0.0.1 port {port}: Address already in use" in ended.stderr
