"""Look-ups: whether a foundation is kept in the store, asked before its first exchange. Never makes an exchange itself.

The store is asked in the worker room, since it may be far away and a snapshot may be large.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.exchange.context import Service
from mockfoundry.exchange.response import PendingRequest, Response

if TYPE_CHECKING:
    from mockfoundry.store.keeper import LookUp


def wait_for_look_up(
    service: Service,
    name: str,
    go_on: Callable[[int], Response | PendingRequest],
    refuse: Callable[[Refusal], Response],
) -> PendingRequest:
    """Has a foundation's snapshot read, if there is one, before a request goes on.

    Args:
        go_on: takes real microseconds.
        refuse: answers where the snapshot can't be read, or there is no room for the foundation.
    """
    keeper = service.keeper
    assert keeper is not None  # noqa: S101 (a registry wants no look-up without one)

    def resume(real_time: int, found: "LookUp") -> Response | PendingRequest:
        try:
            keeper.take_in(name, found, real_time)
        except Refusal as refusal:
            return refuse(refusal)
        return go_on(real_time)

    return PendingRequest(resume=resume, give_up=refuse, work=partial(keeper.look_up, name))
