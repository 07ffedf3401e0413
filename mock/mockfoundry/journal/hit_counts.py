"""Hit counts: what coverage and metrics count exchanges by. Never counts one; the journals do."""

from mockfoundry.journal.entry import RecordedResponse

HitKey = tuple[str, int, str, str]
"""Operation, status, fault and phase of an exchange: what coverage counts by.

The phase is empty where no scenario answered. Status is NO_STATUS and fault empty where nothing was answered (yet).
"""

ScenarioHitKey = tuple[str, int, str, str]
"""Operation, status and fault of an exchange that a scenario took, and the scenario's name: what metrics count by."""

SHARED_HIT_KEYS: dict[HitKey, HitKey] = {}
# One object for each key, shared by thousands of journals. There are no more keys than a contract has answers.


def share_hit_keys(hit_counts: list[tuple[HitKey, int]]) -> dict[HitKey, int]:
    """Hit counts by the keys that all journals share."""
    return {SHARED_HIT_KEYS.setdefault(hit_key, hit_key): times for hit_key, times in hit_counts}


def hit_key_of(operation: str, response: RecordedResponse) -> HitKey:
    """What coverage counts an exchange by."""
    return operation, response.status, response.fault, response.phase
