"""What fits a quota, and the words for what does not.

Source: app/models/runtime/constraints/, app/models/runtime/space.rb and organization.rb. In the seed the space's
started processes use 768 MB: two web instances and one clock of 256 MB each.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.cloudfoundry.asking import IDLE, Asking, error, unprocessable
from tests.serving import Serving

DISK = "disk_quota too much disk requested (requested {} MB - must be less than 2048 MB)"
MEMORY = "total_memory_in_mb"
EACH = "per_process_memory_in_mb"
COUNT = "total_instances"
RATE = "log_rate_limit_in_bytes_per_second"

ROWS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    "disk as much as allowed": ({}, {}, {"disk_in_mb": 2048}, ""),
    "disk beyond what is allowed": ({}, {}, {"disk_in_mb": 2049}, DISK.format(2049)),
    "memory to the limit of the organization": ({MEMORY: 1024}, {}, {"instances": 3}, ""),
    "memory beyond the limit of the organization": ({MEMORY: 1023}, {}, {"instances": 3}, "memory quota_exceeded"),
    "memory to the limit of the space": ({}, {MEMORY: 1024}, {"memory_in_mb": 384}, ""),
    "memory beyond the limit of the space": ({}, {MEMORY: 1023}, {"memory_in_mb": 384}, "memory space_quota_exceeded"),
    "memory beyond both": (
        {MEMORY: 800},
        {MEMORY: 800},
        {"instances": 3},
        "memory space_quota_exceeded, memory quota_exceeded",
    ),
    "memory in a place that is over its limit already": ({MEMORY: 700}, {}, {}, "memory quota_exceeded"),
    "memory that frees too little": ({MEMORY: 300}, {}, {"instances": 1}, "memory quota_exceeded"),
    "memory that frees enough": ({MEMORY: 512}, {}, {"instances": 1}, ""),
    "memory of one instance in the organization": (
        {EACH: 256},
        {},
        {"memory_in_mb": 257},
        "memory instance_memory_limit_exceeded",
    ),
    "memory of one instance in the space": (
        {},
        {EACH: 256},
        {"memory_in_mb": 257},
        "memory space_instance_memory_limit_exceeded",
    ),
    "memory of one instance to the limit": ({EACH: 257}, {EACH: 257}, {"memory_in_mb": 257}, ""),
    "memory of one instance that was too much already": (
        {EACH: 255},
        {},
        {},
        "memory instance_memory_limit_exceeded",
    ),
    "instances to the limit": ({COUNT: 4}, {COUNT: 4}, {"instances": 3}, ""),
    "instances beyond the limit of the organization": (
        {COUNT: 3},
        {},
        {"instances": 3},
        "app_instance_limit app_instance_limit_exceeded",
    ),
    "instances beyond the limit of both": (
        {COUNT: 3},
        {COUNT: 3},
        {"instances": 3},
        "app_instance_limit app_instance_limit_exceeded, app_instance_limit space_app_instance_limit_exceeded",
    ),
    "instances in a place that has too many already": (
        {COUNT: 1},
        {},
        {"instances": 2},
        "app_instance_limit app_instance_limit_exceeded",
    ),
    "a log rate that changes": (
        {RATE: 100},
        {},
        {"log_rate_limit_in_bytes_per_second": 60},
        "log_rate_limit exceeds organization log rate quota",
    ),
    "a log rate to the limit": ({RATE: 101}, {}, {"log_rate_limit_in_bytes_per_second": 52}, ""),
    "an unlimited log rate in a limited organization": (
        {RATE: 100},
        {},
        {"instances": 3},
        "log_rate_limit cannot be unlimited in organization 'acme'.",
    ),
    "an unlimited log rate in a limited space and organization": (
        {RATE: 0},
        {RATE: 0},
        {"instances": 3},
        "log_rate_limit cannot be unlimited in space 'dev'., "
        "log_rate_limit cannot be unlimited in organization 'acme'.",
    ),
    "an unlimited log rate that does not change": ({RATE: 100}, {}, {}, ""),
    "a log rate in a place that is limited to nothing": (
        {},
        {RATE: 0},
        {"log_rate_limit_in_bytes_per_second": 5},
        "log_rate_limit exceeds space log rate quota",
    ),
    "everything, by column": (
        {MEMORY: 1, EACH: 1, COUNT: 1, RATE: 1},
        {MEMORY: 1, EACH: 1, COUNT: 1, RATE: 1},
        {"instances": 9, "disk_in_mb": 9999, "log_rate_limit_in_bytes_per_second": 9},
        f"{DISK.format(9999)}, memory space_quota_exceeded, memory quota_exceeded, "
        "memory instance_memory_limit_exceeded, memory space_instance_memory_limit_exceeded, "
        "app_instance_limit app_instance_limit_exceeded, app_instance_limit space_app_instance_limit_exceeded, "
        "log_rate_limit exceeds space log rate quota, log_rate_limit exceeds organization log rate quota",
    ),
}
"""The quotas of the organization and of the space, a scale of the web process, and the detail of its refusal."""


@pytest.mark.parametrize("row", ROWS)
def test_quotas_are_asked_at_every_save_of_a_started_process(row: str, foundation: Asking) -> None:
    organization, space, body, detail = ROWS[row]
    foundation.given_organization(quota=organization, spaces=[{"name": "*", "quota": space}])
    before = foundation.show().json()
    foundation.advance(3)
    answer = foundation.scale(body)
    if detail:
        assert error(answer) == unprocessable(detail)
        assert foundation.show().json() == before
        assert foundation.events == []
    else:
        assert answer.status_code == 202, answer.text


def test_an_update_of_a_label_meets_the_quotas_too(foundation: Asking) -> None:
    foundation.given_organization(quota={MEMORY: 700})
    answer = foundation.update({"metadata": {"labels": {"a": "b"}}})
    assert error(answer) == unprocessable("memory quota_exceeded")
    assert foundation.show().json()["metadata"]["labels"] == {}


def test_a_stopped_process_is_asked_for_its_disk_only(foundation: Asking) -> None:
    tight = {MEMORY: 1, EACH: 1, COUNT: 1, RATE: 1}
    foundation.given_organization(quota=tight, spaces=[{"name": "*", "quota": tight}])
    assert foundation.scale({"instances": 99, "memory_in_mb": 4096}, guid=IDLE).status_code == 202
    assert error(foundation.scale({"disk_in_mb": 4096}, guid=IDLE)) == unprocessable(DISK.format(4096))


def test_what_is_freed_can_be_used_again(foundation: Asking) -> None:
    foundation.given_organization(quota={MEMORY: 768})
    assert foundation.scale({"instances": 3}).status_code == 422
    assert foundation.scale({"instances": 0}, guid="dora-clock").status_code == 202
    assert foundation.scale({"instances": 3}).status_code == 202
    assert foundation.scale({"instances": 1}, guid="dora-clock").status_code == 422


def test_a_refusal_names_whose_limit_it_is_and_what_is_used_of_it(serve: Callable[..., Serving]) -> None:
    server = serve(scenarios=("quota-organization",))
    refused = server.scale({"instances": 9})
    assert refused.json()["errors"][0]["detail"] == "memory quota_exceeded"
    found = re.fullmatch(
        r"world: memory quota_exceeded \(organization 'acme' has (\d+) MB, (\d+) used, 2048 more asked for\)",
        refused.headers["x-mock-why"],
    )
    assert found is not None, refused.headers["x-mock-why"]
    assert int(found.group(1)) - int(found.group(2)) < 2048
