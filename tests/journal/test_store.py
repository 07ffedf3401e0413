"""What journals hold together stays within their budget, to the byte; and nothing is left of what was forgotten."""

import msgspec
import pytest

from mockfoundry.journal.budget import SharedJournalBudget
from mockfoundry.journal.entry import STILL_SENDING, WHOLE_BODY
from mockfoundry.journal.hit_counts import HitKey
from mockfoundry.journal.store import Journal, add_hit_counts
from tests.journal.test_journal import Asked, given, scales

SCALED: HitKey = ("scaleProcess", 202, "", "")


def filled(budget: SharedJournalBudget | None = None, count: int = 10, max_bytes: int = 1 << 20) -> Journal:
    """A journal of scales that are all of one size."""
    journal = Journal(max_bytes, budget)
    for _ in range(count):
        journal.record(Asked(), given())
    return journal


def test_the_budget_knows_every_byte_that_is_held() -> None:
    budget = SharedJournalBudget()
    one, other = filled(budget), filled(budget)
    assert budget.held_bytes == one.size + other.size
    copied = one.copy()
    assert copied.size == one.size
    assert budget.held_bytes == one.size + other.size + copied.size
    other.clear()
    assert (other.size, len(other)) == (0, 0)
    assert budget.held_bytes == one.size + copied.size
    copied.close()
    assert budget.held_bytes == one.size
    assert len(list(copied)) == 10


def test_those_written_to_longest_ago_forget_first() -> None:
    size = filled(count=1).size
    budget = SharedJournalBudget(size * 12)
    single, first, second = filled(budget, 1), filled(budget, 5), filled(budget, 5)
    first.record(Asked(), given())
    assert budget.held_bytes == size * 12
    last = filled(budget, 1)
    # Room is made down to four fifths of the budget: for nine of the thirteen.
    assert [len(each) for each in (single, second, first, last)] == [0, 2, 6, 1]
    assert budget.held_bytes == sum(each.size for each in (single, second, first, last)) == size * 9
    assert [each.dropped for each in (single, second, first, last)] == [1, 3, 0, 0]


def test_a_journal_that_is_closed_is_asked_for_no_room() -> None:
    size = filled(count=1).size
    budget = SharedJournalBudget(size * 10)
    closed, other = filled(budget, 5), filled(budget, 5)
    closed.close()
    for _ in range(6):
        other.record(Asked(), given())
    assert len(closed) == 5
    assert len(other) < 11
    assert budget.held_bytes == other.size


def test_an_exchange_is_found_by_its_number_as_long_as_it_is_held() -> None:
    journal = filled(count=100, max_bytes=5_000)
    first = journal.dropped + 1
    assert [each and each.number for each in map(journal.entry, (0, first - 1, first, 100, 101))] == [
        None,
        None,
        first,
        100,
        None,
    ]
    assert [each.number for each in journal.after(98)] == [99, 100]
    assert next(iter(journal.after(0))).number == first


def test_how_much_was_sent_is_forgotten_with_its_exchange() -> None:
    journal = filled(count=3)
    for number, count in ((0, 7), (1, 5), (3, STILL_SENDING), (4, 7)):
        journal.note_bytes_sent(number, count)
    assert [each.bytes_sent for each in journal] == [5, WHOLE_BODY, STILL_SENDING]
    copied = journal.copy()
    copied.note_bytes_sent(3, 9)
    assert [each.bytes_sent for each in journal] == [5, WHOLE_BODY, STILL_SENDING]
    journal.clear()
    journal.note_bytes_sent(3, 9)
    assert journal.bytes_sent_by_number == {}


@pytest.mark.parametrize("count", [1, 2])
def test_what_a_copy_inherits_is_counted_once(count: int) -> None:
    journal = filled(count=count)
    copied = journal.copy()
    copied.record(Asked(), given())
    copied.record(Asked(), given(409))
    counts: dict[HitKey, int] = {SCALED: 100}
    for each in (journal, copied):
        add_hit_counts(each, counts)
    assert counts == {SCALED: 100 + count + 1, ("scaleProcess", 409, "", ""): 1}


def test_what_was_cleared_does_not_count_as_dropped() -> None:
    journal = filled(count=10, max_bytes=5_000)
    journal.clear()
    for asked, response in scales(*[202] * 50, *[409] * 50):
        journal.record(asked, response)
    assert journal.dropped == 100 - len(journal)
    assert journal.count_dropped(lambda hit_key: hit_key == SCALED) == 50
    assert journal.count_dropped(lambda _: True) == journal.dropped


LARGE = b'"' + b"x" * 50_000 + b'"'


def test_a_large_answer_is_held_whole_and_counted_and_goes_with_its_exchange() -> None:
    budget = SharedJournalBudget()
    journal = Journal(4 * len(LARGE), budget)
    for body in (LARGE, b"{}", LARGE, LARGE):
        journal.record(Asked(), msgspec.structs.replace(given(), body=body))
    assert [each.response.body for each in journal] == [LARGE, b"{}", LARGE, LARGE]
    assert 3 * len(LARGE) < journal.size == budget.held_bytes < 3 * len(LARGE) + 2_000
    copied, snapshot = journal.copy(), journal.snapshot()
    journal.record(Asked(), msgspec.structs.replace(given(), body=LARGE))
    assert [len(each.response.body) for each in journal] == [2, len(LARGE), len(LARGE), len(LARGE)]
    entry = copied.entry(1)
    assert entry is not None
    assert entry.response.body == LARGE
    assert len(list(snapshot)) == 4
    journal.clear()
    assert (journal.size, budget.held_bytes) == (0, copied.size)
    journal.record(Asked(), given())
    assert [each.response.body for each in journal] == [given().body]


def test_an_open_exchange_may_end_with_a_large_answer_or_begin_with_one() -> None:
    small, large = given(), msgspec.structs.replace(given(), body=LARGE)
    for first, last in ((small, large), (large, small), (large, large)):
        journal, at_once = Journal(1 << 20), Journal(1 << 20)
        journal.complete(journal.open(Asked(), msgspec.structs.replace(first, status=0)), last)
        at_once.record(Asked(), last)
        assert [each.response.body for each in journal] == [last.body]
        assert journal.size == at_once.size


def test_answers_that_share_a_large_body_share_it_in_the_journal() -> None:
    journal = Journal()
    for _ in range(2):
        journal.record(Asked(), msgspec.structs.replace(given(), body=LARGE))
    one, other = journal
    assert one.response.body is other.response.body is LARGE
