"""The same change in many processes has one line of a failed test's report."""

from mockfoundry.client.values import StateChange
from mockfoundry.pytest_plugin.foundations import fold_changes


def test_the_same_change_in_several_processes_has_one_line() -> None:
    scaled = [StateChange(f"organizations/acme/apps/shop-{n}/processes/web/instances", 1, 2) for n in range(1, 21)]
    other = StateChange("organizations/acme/apps/dora/processes/web/instances", 1, 3)
    assert fold_changes([*scaled, other]) == [
        "  organizations/acme/apps/shop-1/processes/web/instances: 1 became 2; so in 19 others, "
        "the last organizations/acme/apps/shop-20/processes/web/instances",
        "  organizations/acme/apps/dora/processes/web/instances: 1 became 3",
    ]
    assert len(fold_changes(scaled[:2])) == 2
