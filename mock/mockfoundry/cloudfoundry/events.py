"""Audit events: what was done to a process and by whom, as the Cloud Controller records it. Never decides anything.

Source: cloud_controller_ng, app/repositories/process_event_repository.rb.
"""

from typing import Any

import msgspec

MOST_EVENTS = 1_000
"""How many a foundation keeps; the oldest go first."""


class Event(msgspec.Struct, frozen=True):
    """One audit event.

    Attributes:
        number: counted from 1 in each foundation; the event's guid follows from it.
        actor, actor_name: the guid and the name of who did it.
        target, target_name: the guid and the name of the app.
        data: as the API shows it; never changed after it was recorded.
    """

    number: int
    type: str
    moment: int
    actor: str
    actor_name: str
    target: str
    target_name: str
    space: str
    organization: str
    data: dict[str, Any]
