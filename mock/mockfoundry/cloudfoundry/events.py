"""Audit events: what was done to a process and by whom, as the Cloud Controller records it. Never decides anything.

Source: cloud_controller_ng, app/repositories/process_event_repository.rb.
"""

from typing import Any

import msgspec

from mockfoundry.cloudfoundry.entities import App, User

MOST_EVENTS = 250
"""How many a foundation keeps; the oldest go first."""


_encode = msgspec.json.Encoder().encode


class Event(msgspec.Struct, frozen=True, gc=False):
    """One audit event.

    Attributes:
        number: counted from 1 in each foundation; the event's guid follows from it.
        kind: such as `audit.app.process.scale`; the API calls it the type.
        actor: who did it.
        target: the app as it was then.
        content: the data as JSON, since thousands of foundations keep what is hardly ever asked for.
    """

    number: int
    kind: str
    moment: int
    actor: User
    target: App
    content: bytes

    @property
    def data(self) -> dict[str, Any]:
        """What was done, as the API shows it."""
        data: dict[str, Any] = msgspec.json.decode(self.content)
        return data


def event(number: int, kind: str, moment: int, actor: User, target: App, data: dict[str, Any]) -> Event:
    """An event with its data."""
    return Event(number, kind, moment, actor, target, _encode(data))
