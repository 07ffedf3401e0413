"""Audit events: what was done to a process and by whom, as the Cloud Controller records it. Never decides anything.

Source: cloud_controller_ng, app/repositories/process_event_repository.rb.
"""

from typing import Any

import msgspec

from mockfoundry.cloudfoundry.entities import App, User

MOST_EVENTS = 1_000
"""How many a foundation keeps; the oldest go first."""


class Event(msgspec.Struct, frozen=True):
    """One audit event.

    Attributes:
        number: counted from 1 in each foundation; the event's guid follows from it.
        kind: such as `audit.app.process.scale`; the API calls it the type.
        actor: who did it.
        target: the app as it was then.
        data: as the API shows it; never changed after it was recorded.
    """

    number: int
    kind: str
    moment: int
    actor: User
    target: App
    data: dict[str, Any]
