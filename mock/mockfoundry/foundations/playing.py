"""Playing: scenarios switched on and off in a foundation, and what they change in it. Never matches a request."""

from collections.abc import Iterator
from contextlib import contextmanager

from mockfoundry.cloudfoundry.given import apply_given
from mockfoundry.foundations.foundation import Foundation
from mockfoundry.foundations.undoing import Change, changes_between, take_back
from mockfoundry.scenarios import Event, Lineup, Scenario, events_due, switch_off, switch_on


def play(foundation: Foundation, scenario: Scenario, now: int) -> None:
    """Switches a scenario on, or begins it anew; it is asked after those that are on already.

    Args:
        now: virtual microseconds.

    Raises:
        DocumentError: its `given` does not fit this world; nothing is changed.
        ScenarioError: it can't be compiled; nothing is changed.
    """
    others = tuple(each for each in foundation.lineup.scenarios if each.name != scenario.name)
    lineup = Lineup((*others, scenario))
    if scenario.name in foundation.changes:
        take_back(foundation.world, foundation.changes.pop(scenario.name), now)
    begin(foundation, scenario, now)
    foundation.lineup = lineup


def begin(foundation: Foundation, scenario: Scenario, now: int) -> None:
    """Starts the time of a scenario that is in the lineup, and changes the world as it says."""
    if scenario.given:
        change(foundation, scenario.name, scenario.given, now)
    switch_on(foundation.progress, scenario, now)


def stop(foundation: Foundation, name: str, now: int) -> bool:
    """Switches a scenario off and takes back what it changed; says whether it was on."""
    kept = tuple(each for each in foundation.lineup.scenarios if each.name != name)
    if len(kept) == len(foundation.lineup.scenarios):
        return False
    foundation.lineup = Lineup(kept)
    switch_off(foundation.progress, name)
    take_back(foundation.world, foundation.changes.pop(name, []), now)
    return True


def bring_up_to(foundation: Foundation, now: int) -> None:
    """Lets everything happen that scenarios have for a moment up to now: their events, and their ends."""
    lineup, progress = foundation.lineup, foundation.progress
    for name, event in events_due(lineup, progress, now) if lineup.events else ():
        happen(foundation, name, event, now)
    if foundation.changes:
        for scenario in lineup.scenarios:
            since = progress.since.get(scenario.name)
            if scenario.for_ is not None and since is not None and now >= since + scenario.for_:
                take_back(foundation.world, foundation.changes.pop(scenario.name, []), now)


def happen(foundation: Foundation, name: str, event: Event, now: int) -> None:
    """One event of a scenario, at its own moment."""
    since = foundation.progress.since.get(name, now)
    change(foundation, name, event.given, min(now, since + event.at))


def change(foundation: Foundation, name: str, given: object, now: int) -> None:
    """Changes the world in a seed file's words, and remembers what was there."""
    foundation.changes.setdefault(name, []).extend(changed_by(foundation, given, now))


def changed_by(foundation: Foundation, given: object, now: int) -> list[Change]:
    """Changes the world in a seed file's words; gives what takes it back."""
    before = foundation.world.copy()
    apply_given(foundation.world, given, now)
    return changes_between(before, foundation.world)


@contextmanager
def lent(foundation: Foundation, scenario: Scenario, now: int) -> Iterator[None]:
    """Changes the world as a scenario says, for one exchange; what the exchange itself changes is kept."""
    changes = changed_by(foundation, scenario.given, now)
    try:
        yield
    finally:
        take_back(foundation.world, changes, now)
