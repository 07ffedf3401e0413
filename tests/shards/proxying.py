"""Real proxies for tests: nginx and Envoy, started with what `mockfoundry proxy-config` prints."""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner

from mockfoundry.cli import main
from tests.waiting import DEADLINE_SECONDS

NGINX = shutil.which("nginx") or ""
ENVOY = shutil.which("envoy", path=f"{Path(sys.executable).parent}") or shutil.which("envoy") or ""


def print_configuration(proxy: str, urls: Sequence[str], port: int, folder: Path) -> str:
    """What the command prints for a proxy on a port."""
    more = ["--token-script", str(folder / "token.js")] if proxy == "nginx" else []
    printed = CliRunner().invoke(main, ["proxy-config", proxy, *urls, "--listen", f"127.0.0.1:{port}", *more])
    assert printed.exit_code == 0, printed.output
    return printed.output


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def running_proxy(proxy: str, urls: Sequence[str]) -> Iterator[str]:
    """The URL of a proxy before the shards."""
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        file = folder / f"{proxy}.{'conf' if proxy == 'nginx' else 'yaml'}"
        file.write_text(print_configuration(proxy, urls, port, folder))
        if proxy == "nginx":
            commands = f"daemon off; pid {folder}/pid; error_log stderr warn;"
            command = [NGINX, "-p", name, "-c", str(file), "-e", "stderr", "-g", commands]
        else:
            command = [ENVOY, "-c", str(file), "--concurrency", "2", "--disable-hot-restart", "--log-level", "error"]
        with (folder / "log").open("w+b") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                end = time.monotonic() + DEADLINE_SECONDS
                while process.poll() is None and time.monotonic() < end:
                    try:
                        socket.create_connection(("127.0.0.1", port), 1).close()
                        break
                    except OSError:
                        process.poll()
                else:
                    raise AssertionError((folder / "log").read_text())
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()
