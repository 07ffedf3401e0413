"""Likeness: where a recorded answer and one of mockfoundry differ, and what is equal by rule. Never asks anyone.

Two answers can't be equal in what each foundation makes for itself. Each of these rules says what is taken for equal,
and how often it was needed is counted:

- guids: one that a foundation made meanwhile stands for the other's, from then on everywhere;
- hosts: links lead to the foundation that gave them;
- times: two timestamps in the same form;
- usage: what an instance uses, where it runs, and since when, if both are of one type;
- starts: an instance that still starts in one of them, after something was changed;
- order: roles in another order, since those of the same second are ordered by guids that a seed does not give;
- unseen: the rest of a list, of which the recording shows only a part, where the world is made of the recording;
- secrets: what the recording does not keep.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from mockfoundry.contract.plan import shorten_value
from mockfoundry.recording.seen import REDACTED

Rule = Literal["guids", "hosts", "times", "usage", "starts", "order", "unseen", "secrets"]

IN_TURN = ("DOWN", "STARTING", "RUNNING")
"""The states that an instance goes through at its start."""

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?P<rest>(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))")
_URL = re.compile(r"https?://[^/\s\"]+")
_INSTANCE_FIELDS = (
    *("usage", "uptime", "host", "instance_guid", "instance_internal_ip", "instance_ports", "fds_quota", "since"),
)
_OF_INSTANCE = re.compile(rf"body\.resources\[\]\.(?:{'|'.join(_INSTANCE_FIELDS)})\b")


class Mismatch(NamedTuple):
    """Where two answers differ.

    Attributes:
        place: `status`, `headers.NAME`, or in the body `body.resources[].state`, the same for all items of a list.
        kind: what is different there.
        recorded, ours: what was found, as it is shown; empty where there is nothing.
    """

    place: str
    kind: Literal["value", "type", "missing", "extra", "length"]
    recorded: str = ""
    ours: str = ""


class Likeness:
    """Compares values, and learns which guid stands for which.

    Args:
        upstream: the URL of the recorded foundation, without a slash at its end.
        ours: the same of mockfoundry's.
        seeded: guids that both have.
        is_partial: whether mockfoundry has only what the recording shows.

    Attributes:
        used: how often a rule was needed.
        has_changed: whether something was changed, so that instances may start.
    """

    def __init__(self, upstream: str, ours: str, seeded: Collection[str], is_partial: bool) -> None:
        self._upstream = upstream
        self._ours = ours
        self._seeded = seeded
        self._forward: dict[str, str] = {}
        self._taken: set[str] = set()
        self._is_partial = is_partial
        self.has_changed = False
        self.used: Counter[Rule] = Counter()

    def translate(self, text: str) -> str:
        """Text of a recorded request, with mockfoundry's guids in it."""
        return _GUID.sub(lambda found: self._forward.get(found[0], found[0]), text)

    def compare_bodies(self, recorded: Any, ours: Any, is_stats: bool) -> Iterator[Mismatch]:
        """Where the bodies of two answers differ.

        Args:
            is_stats: they tell of instances.
        """
        match recorded, ours:
            case (
                {"pagination": {"total_results": int(all_there)}, "resources": list(theirs), **rest},
                {"pagination": {"total_results": int(all_here)}, "resources": list(own), **other_rest},
            ) if self._is_partial and all_there > all_here:
                self.used["unseen"] += 1
                here = {str(each.get("guid")): each for each in own if isinstance(each, dict)}
                for each in theirs:
                    if isinstance(each, dict) and str(each.get("guid")) in here:
                        yield from self.compare(each, here[str(each.get("guid"))], "body.resources[]", is_stats)
                yield from self.compare(rest, other_rest, "body", is_stats)
            case {"resources": list(theirs)}, {"resources": list(own), **other_rest} if has_other_order(theirs, own):
                self.used["order"] += 1
                places = {identify_role(each): each for each in own}
                ordered = [places[identify_role(each)] for each in theirs]
                yield from self.compare(recorded, {**other_rest, "resources": ordered}, "body", is_stats)
            case _:
                yield from self.compare(recorded, ours, "body", is_stats)

    def compare(self, recorded: Any, ours: Any, place: str, is_stats: bool = False) -> Iterator[Mismatch]:
        """Where two values of JSON differ.

        Args:
            place: where they stand.
            is_stats: they tell of instances.
        """
        if isinstance(recorded, Mapping) and isinstance(ours, Mapping):
            yield from self._compare_mappings(recorded, ours, place, is_stats)
        elif isinstance(recorded, list) and isinstance(ours, list):
            if len(recorded) != len(ours) and not (is_stats and _OF_INSTANCE.match(place)):
                yield Mismatch(place, "length", f"{len(recorded)} items", f"{len(ours)} items")
            for one, other in zip(recorded, ours, strict=False):
                yield from self.compare(one, other, f"{place}[]", is_stats)
        elif isinstance(recorded, str) and REDACTED in recorded:
            self.used["secrets"] += 1
        elif name_type(recorded) != name_type(ours):
            yield Mismatch(place, "type", describe(recorded), describe(ours))
        elif recorded == ours:
            return
        elif is_stats and _OF_INSTANCE.match(place):
            self.used["usage"] += 1
        elif not (isinstance(recorded, str) and isinstance(ours, str) and self.is_like(recorded, ours)):
            yield Mismatch(place, "value", describe(recorded), describe(ours))

    def _compare_mappings(
        self, recorded: Mapping[str, Any], ours: Mapping[str, Any], place: str, is_stats: bool
    ) -> Iterator[Mismatch]:
        if is_stats and self.has_changed and is_starting(recorded.get("state"), ours.get("state")):
            self.used["starts"] += 1
            return
        for name, each in recorded.items():
            inside = f"{place}.{name}"
            if name not in ours:
                yield Mismatch(inside, "missing", describe(each))
            else:
                yield from self.compare(each, ours[name], inside, is_stats)
        for name in ours.keys() - recorded.keys():
            yield Mismatch(f"{place}.{name}", "extra", "", describe(ours[name]))

    def is_like(self, recorded: str, ours: str) -> bool:
        """Whether two texts say the same, by the rules."""
        if recorded == ours:
            return True
        if REDACTED in recorded:
            self.used["secrets"] += 1
            return True
        one, other = _TIME.fullmatch(recorded), _TIME.fullmatch(ours)
        if one and other and len(one["rest"]) == len(other["rest"]):
            self.used["times"] += 1
            return True
        theirs = self._cut_hosts(recorded, self._upstream)
        if self._cut_hosts(ours, self._ours) == theirs:
            self.used["hosts"] += 1
            return True
        return self._has_like_guids(theirs, self._cut_hosts(ours, self._ours))

    def _cut_hosts(self, text: str, base: str) -> str:
        text = text.replace(base, "") if base else text
        return _URL.sub(lambda found: "" if not urlsplit(found[0]).path else found[0], text) or "/"

    def _has_like_guids(self, recorded: str, ours: str) -> bool:
        if _GUID.sub("*", recorded) != _GUID.sub("*", ours):
            return False
        pairs = dict(zip(_GUID.findall(recorded), _GUID.findall(ours), strict=True))
        if not all(self._may_stand_for(one, other) for one, other in pairs.items()):
            return False
        for one, other in pairs.items():
            if one != other:
                self._forward[one] = other
                self._taken.add(other)
                self.used["guids"] += 1
        return True

    def _may_stand_for(self, recorded: str, ours: str) -> bool:
        if recorded == ours or self._forward.get(recorded) == ours:
            return True
        is_free = recorded not in self._forward and ours not in self._taken
        return is_free and recorded not in self._seeded and ours not in self._seeded


def identify_role(resource: Any) -> str:
    """What a role is, of whom and where; empty for what is no role."""
    match resource:
        case {"type": str(type_), "relationships": {"user": user, "organization": organization, "space": space}}:
            return f"{type_} {user} {organization} {space}"
    return ""


def has_other_order(recorded: list[Any], ours: list[Any]) -> bool:
    """Whether two lists have the same roles, in another order."""
    theirs, own = [identify_role(each) for each in recorded], [identify_role(each) for each in ours]
    return theirs != own and "" not in theirs and sorted(theirs) == sorted(own)


def is_starting(one: Any, other: Any) -> bool:
    """Whether two states are those of an instance that starts, a little earlier and later."""
    if one == other or one not in IN_TURN or other not in IN_TURN:
        return False
    return abs(IN_TURN.index(one) - IN_TURN.index(other)) == 1


def find_guids(text: str) -> frozenset[str]:
    """Every guid that stands in a text."""
    return frozenset(_GUID.findall(text))


def name_type(value: Any) -> str:
    """The type of a value, as JSON has it."""
    match value:
        case bool():
            return "boolean"
        case None:
            return "null"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
    return "mapping"


def describe(value: Any) -> str:
    """A value as a line shows it, shortened."""
    return shorten_value(msgspec.json.encode(value).decode())
