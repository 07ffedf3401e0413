"""Asking: which exchanges a question is about, and how others differ from that. Never judges an answer."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from mockfoundry.journal.entries import Entry
from mockfoundry.journal.journal import Cell
from mockfoundry.journal.telling import SECRET_FIELDS, SECRET_HEADERS, safe_value


class Condition(Protocol):
    """One condition in the scenario language, compiled: what it asks of a request, and what came in its place."""

    place: str
    name: str
    wanted: Any

    def holds(self, asked: Any) -> bool: ...
    def got(self, asked: Any) -> Any: ...


class Difference(msgspec.Struct, frozen=True):
    """One thing that an exchange does not have of what was asked for."""

    what: str
    wanted: Any
    got: Any

    def __str__(self) -> str:
        return f"{self.what}: wanted {brief(self.wanted)}, got {brief(self.got)}"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which exchanges are asked about; what is left out asks nothing.

    Attributes:
        operation: operationIds.
        fault: a fault on the wire by its name; `any` and `none` say whether there was one.
        behind: only exchanges with a number above this.
        since: only exchanges from this moment on, in virtual microseconds.
        conditions: of the request, in the scenario language.
    """

    operation: tuple[str, ...] = ()
    status: tuple[int, ...] = ()
    scenario: str | None = None
    actor: str | None = None
    fault: str | None = None
    kept: bool | None = None
    behind: int = 0
    since: int | None = None
    conditions: tuple[Any, ...] = ()

    def about(self, cell: Cell) -> bool:
        """Whether exchanges of a cell may be among those asked about."""
        operation, status, fault, _ = cell
        return (
            (not self.operation or operation in self.operation)
            and (not self.status or status in self.status)
            and fault_fits(self.fault, fault)
        )

    def in_reach(self, entry: Entry) -> bool:
        """Whether an exchange lies in the stretch of time that is asked about."""
        return entry.number > self.behind and (self.since is None or entry.now >= self.since)

    def holds(self, entry: Entry) -> bool:
        return self.in_reach(entry) and not self.differences(entry, first_only=True)

    def differences(self, entry: Entry, first_only: bool = False) -> list[Difference]:
        """What an exchange does not have of what is asked for."""
        found: list[Difference] = []
        plain: tuple[tuple[str, bool, Any, Any], ...] = (
            (
                "operation",
                not self.operation or entry.operation in self.operation,
                one(self.operation),
                entry.operation,
            ),
            ("status", not self.status or entry.status in self.status, one(self.status), entry.status),
            ("scenario", self.scenario in (None, entry.scenario), self.scenario, entry.scenario),
            ("actor", self.actor in (None, entry.actor), self.actor, entry.actor),
            ("fault", fault_fits(self.fault, entry.fault), self.fault, entry.fault or "none"),
            ("kept", self.kept in (None, entry.kept), self.kept, entry.kept),
        )
        for what, held, wanted, got in plain:
            if not held:
                found.append(Difference(what, wanted, got if got != "" else "none"))
                if first_only:
                    return found
        for condition in self.conditions:
            if not condition.holds(entry):
                found.append(
                    Difference(f"{condition.place} {condition.name}", condition.wanted, seen(condition, entry))
                )
                if first_only:
                    return found
        return found

    def __str__(self) -> str:
        words = [" or ".join(self.operation) or "a request"]
        words += [f"by {self.actor}"] if self.actor else []
        words += [f"with {each.place} {each.name} {brief(each.wanted)}" for each in self.conditions]
        words += [f"answered {' or '.join(map(str, self.status))}"] if self.status else []
        words += [f"with fault {self.fault}"] if self.fault else []
        words += [f"by scenario {self.scenario}"] if self.scenario else []
        words += [] if self.kept is None else ["whose change was kept" if self.kept else "that changed nothing"]
        return " ".join(words)


def fault_fits(wanted: str | None, fault: str) -> bool:
    if wanted is None:
        return True
    return bool(fault) if wanted == "any" else fault == ("" if wanted == "none" else wanted)


def one(words: tuple[Any, ...]) -> Any:
    return words[0] if len(words) == 1 else list(words)


def seen(condition: Condition, entry: Entry) -> Any:
    """What came in a condition's place, where that is no secret."""
    got = condition.got(entry)
    secret = (
        condition.name.lower() in SECRET_FIELDS or condition.name.lower().encode("latin-1", "replace") in SECRET_HEADERS
    )
    return "[redacted]" if secret and got is not None else safe_value(got)


def brief(value: Any, longest: int = 120) -> str:
    """A value in a line, cut where it is long."""
    if isinstance(value, Mapping | list | tuple) or value is None or isinstance(value, bool):
        text = msgspec.json.encode(value).decode()
    else:
        text = str(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"
