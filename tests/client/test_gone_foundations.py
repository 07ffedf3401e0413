"""A foundation that was there and is gone does not come back as another world unasked."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from mockfoundry.client.errors import ControlError, ServerGoneError
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.server import Server
from tests.client.scaling import scale, seed_of
from tests.waiting import must_end

CALLS: dict[str, Callable[[Foundation], Any]] = {
    "state": Foundation.state,
    "play": lambda foundation: foundation.play("conflict"),
    "token": lambda foundation: foundation.token_for("admin"),
    "clock": lambda foundation: foundation.clock.freeze(),
    "change": lambda foundation: foundation.change({"feature_flags": {"app_scaling": False}}),
    "requests": Foundation.requests,
    "reset": Foundation.reset,
    "copy": Foundation.copy,
}

READING = ("state", "requests", "reset", "copy")


@pytest.mark.parametrize("call", CALLS)
def test_what_was_deleted_stays_away_until_it_is_begun_anew(server: Server, call: str) -> None:
    foundation = server.foundation(seed=seed_of("shop", instances=7))
    foundation.delete()
    with pytest.raises(
        ControlError, match=r"there is none of that name.*; it was deleted: begin\(\) makes it"
    ) as caught:
        CALLS[call](foundation)
    assert (caught.value.status, caught.value.kind) == (404, "unknown-foundation")
    foundation.delete()
    foundation.begin(seed_of("shop", instances=3))
    CALLS[call](foundation)
    assert foundation.process("shop").instances == 3


@pytest.mark.parametrize("call", READING)
def test_what_somebody_else_took_away_does_not_come_back_as_another_world(server: Server, call: str) -> None:
    foundation = server.foundation(seed=seed_of("shop"))
    server.foundation(foundation.name).delete()
    with pytest.raises(ControlError, match=r"it was there, and was deleted since or has expired: begin\(\) makes it"):
        CALLS[call](foundation)


def test_what_is_deleted_before_it_was_used_is_deleted(foundation: Foundation) -> None:
    foundation.delete()
    with pytest.raises(ControlError, match="it was deleted"):
        foundation.state()


def test_a_client_that_an_ended_test_left_behind_makes_no_new_world(foundation: Foundation) -> None:
    assert scale(foundation, 3) == 202
    foundation.delete()
    assert scale(foundation, 4) == 404
    with pytest.raises(ControlError, match="it was deleted"):
        foundation.state()
    foundation.begin()
    assert scale(foundation, 3) == 202


def test_a_copy_that_is_gone_is_gone(foundation: Foundation) -> None:
    copy = foundation.copy()
    foundation.delete()
    assert copy.process("dora").instances == 1
    copy.delete()
    with pytest.raises(ControlError, match="it was deleted"):
        copy.requests()


def test_a_beginning_whose_call_was_lost_is_made_up_for(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def go_between() -> None:
            # The first call is lost; the others reach the server.
            listening.accept()[0].close()
            client, _ = listening.accept()
            host, _, number = server.url.removeprefix("http://").partition(":")
            with client, socket.create_connection((host, int(number))) as upstream:
                answering = threading.Thread(target=pump, args=(upstream, client))
                answering.start()
                pump(client, upstream)
                must_end(answering)

        between = threading.Thread(target=go_between)
        between.start()
        with Server.connect(f"http://127.0.0.1:{port}") as lossy:
            foundation = lossy.foundation()
            with pytest.raises(ServerGoneError):
                foundation.begin(seed_of("shop", instances=7))
            assert foundation.process("shop").instances == 7
        must_end(between)


def pump(source: socket.socket, target: socket.socket) -> None:
    """Passes on whatever comes, and then that no more will come."""
    while part := source.recv(65536):
        target.sendall(part)
    target.shutdown(socket.SHUT_WR)
