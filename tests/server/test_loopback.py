"""The default address: 127.0.0.1 and, where the machine has it, ::1, which many clients take `localhost` for first."""

import errno
import socket
from typing import Any

import pytest

from mockfoundry.server import run
from mockfoundry.server.run import bind_sockets, url_of_socket


def close(bound: list[socket.socket]) -> None:
    for each in bound:
        each.close()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_both_loopback_addresses_have_one_port() -> None:
    bound = bind_sockets("127.0.0.1", 0)
    port = bound[0].getsockname()[1]
    assert [each.getsockname()[:2] for each in bound] == [("127.0.0.1", port), ("::1", port)]
    assert url_of_socket(bound[0]) == f"http://127.0.0.1:{port}"
    close(bound)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_another_program_on_the_other_address_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """It does not keep the server from starting."""
    with socket.socket(socket.AF_INET6) as other:
        other.bind(("::1", 0))
        other.listen()
        port = other.getsockname()[1]
        bound = bind_sockets("127.0.0.1", port)
    assert [each.getsockname()[:2] for each in bound] == [("127.0.0.1", port)]
    assert f"another program listens on [::1]:{port}" in caplog.text
    close(bound)


@pytest.mark.parametrize("number", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_a_machine_without_ipv6_works_as_before(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bind = run.bind_socket

    def bind_ipv4_only(host: str, port: int) -> Any:
        if ":" in host:
            raise OSError(number, "no such thing")
        return bind(host, port)

    monkeypatch.setattr(run, "bind_socket", bind_ipv4_only)
    bound = bind_sockets("127.0.0.1", 0)
    assert [each.getsockname()[0] for each in bound] == ["127.0.0.1"]
    close(bound)


def test_another_address_is_the_only_one() -> None:
    bound = bind_sockets("127.0.0.2", 0)
    assert [each.getsockname()[0] for each in bound] == ["127.0.0.2"]
    close(bound)
