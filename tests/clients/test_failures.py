"""What clients do when a call fails, and what their users see: docs/clients/failures.md says what is seen here."""

import pytest

from mockfoundry.client.foundation import Foundation
from tests.clients.at_hand import CLIENTS, each_of
from tests.clients.driving import ClientDriver
from tests.clients.failures import FAILURES, ClientFailure, observe, read_observations

SEEN = read_observations()


@each_of("python", "java", "go", "autoscaler", "cf")
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.key)
def test_a_client_does_what_the_tables_say(
    foundation: Foundation, client: ClientDriver, failure: ClientFailure
) -> None:
    client.log_in(foundation.url)
    seen = observe(client, foundation, failure)
    assert seen == SEEN[client.name][failure.key], "if that is right: make clients-observed, then make documents"


def test_every_client_was_seen_to_meet_every_failure() -> None:
    assert list(SEEN) == list(CLIENTS)
    assert all(list(seen) == [failure.key for failure in FAILURES] for seen in SEEN.values())
