"""Files without an end: a device or a pipe, as a seed or to check, is read up to the bound and no further."""

import os
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from mockfoundry.assembly import build_seed_world
from mockfoundry.cli.files import check
from mockfoundry.client.arguments import load_seed_document
from mockfoundry.documents.problems import DocumentError
from mockfoundry.options import ServerOptions
from tests.waiting import must_end

DEVICE = Path("/dev/zero")

pytestmark = pytest.mark.skipif(not DEVICE.exists(), reason="there is no such device")


def test_a_device_as_a_seed_ends_at_the_bound() -> None:
    with pytest.raises(DocumentError, match=r"/dev/zero:1:1: is larger than 70000 bytes, .* larger --max-seed"):
        build_seed_world(ServerOptions(seed=str(DEVICE), max_seed=70_000), 0)
    with pytest.raises(DocumentError, match=f"is larger than {ServerOptions.max_seed} bytes"):
        load_seed_document(DEVICE)


def test_a_pipe_as_a_seed_ends_at_the_bound(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write_on() -> None:
        with pipe.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"# more and more\n" * 1000)
            except BrokenPipeError:
                return

    writer = threading.Thread(target=write_on, daemon=True)
    writer.start()
    with pytest.raises(DocumentError, match="is larger than 70000 bytes"):
        build_seed_world(ServerOptions(seed=str(pipe), max_seed=70_000), 0)
    must_end(writer)


def test_a_pipe_that_ends_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("organizations: [{name: piped}]",), daemon=True)
    writer.start()
    world = build_seed_world(ServerOptions(seed=str(pipe)), 0)
    must_end(writer)
    assert [each.name for each in world.organizations.values()] == ["piped"]


def test_a_device_to_check_ends_at_the_bound() -> None:
    checked = CliRunner().invoke(check, [str(DEVICE)])
    assert (checked.exit_code, checked.output) == (
        1,
        f"/dev/zero:1:1: is larger than {ServerOptions.max_seed} bytes, the most that is read; make it smaller, or "
        "split it\n",
    )
