"""A scenario of what failed in a recording, so that a client meets it again. Never plays one for a client.

What mockfoundry refuses by itself, on the recording's own world, is left out, as in the replay of a journal.
"""

from collections import Counter
from collections.abc import Iterator

from mockfoundry.control.replays import allow_undocumented, merge_equal_rules, respond_with_answer
from mockfoundry.journal.entry import RecordedResponse
from mockfoundry.options import ServerOptions
from mockfoundry.recording.comparison import Comparer, is_failure, play_recording
from mockfoundry.recording.har import NO_ANSWER, STATUSES, HarEntry, Recording
from mockfoundry.scenarios.model import Respond, Scenario
from mockfoundry.scenarios.schedules import Failure, scenario_from_failures


def scenario_from_recording(recording: Recording, options: ServerOptions, source: str) -> Scenario | None:
    """The smallest scenario with a recording's failures; None where mockfoundry gives all of them by itself.

    Args:
        options: of the server that it is for. Without a seed it gets the recording's own.
        source: the name of the recording's file.

    Raises:
        ContractError, DocumentError, OSError: the options can't be used.
    """
    comparer = play_recording(recording, options, source)
    failures = list(find_recorded_failures(recording, comparer))
    if not failures:
        return None
    contract = comparer.contract
    schedule = scenario_from_failures(failures, list(contract.plans.values()))
    return allow_undocumented(merge_equal_rules(schedule), contract)


def find_recorded_failures(recording: Recording, comparer: Comparer) -> Iterator[Failure]:
    """What failed and is not given by mockfoundry itself, each with the number of its call, as rules count calls."""
    calls: Counter[str] = Counter()
    unrepeated = set(comparer.unrepeated)
    for number, entry in enumerate(recording.entries, 1):
        plan = comparer.find_plan(entry)
        if plan is None:
            continue
        calls[plan.operation] += 1
        if number in unrepeated and has_status_of_rules(entry):
            yield Failure(plan, respond_from_entry(entry), calls[plan.operation])


def has_status_of_rules(entry: HarEntry) -> bool:
    """Whether a rule can give a recorded failure."""
    return entry.status == NO_ANSWER or entry.status in STATUSES


def list_odd_statuses(recording: Recording) -> list[int]:
    """The statuses of failures that no server can send, and no scenario has."""
    return sorted({each.status for each in recording.entries if is_failure(each) and not has_status_of_rules(each)})


def respond_from_entry(entry: HarEntry) -> Respond:
    """What a rule has to answer so that a client gets a recorded answer; a reset where there was none."""
    if entry.status == NO_ANSWER:
        return Respond(fault="reset")
    headers = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in entry.answer_headers
    ]
    return respond_with_answer(RecordedResponse(entry.status, headers, entry.answer, ""))
