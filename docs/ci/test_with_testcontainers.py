"""Testcontainers for Python: `pip install testcontainers httpx pytest`; MOCK_IMAGE is the image that you have built."""

import os
from collections.abc import Iterator

import httpx
import pytest
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import HttpWaitStrategy


@pytest.fixture(scope="session")
def mock_url() -> Iterator[str]:
    ready = HttpWaitStrategy(8080, "/__mock/health")
    image = os.environ.get("MOCK_IMAGE", "mockfoundry")
    with DockerContainer(image).with_exposed_ports(8080).waiting_for(ready) as mock:
        yield f"http://{mock.get_container_host_ip()}:{mock.get_exposed_port(8080)}"


def test_the_world_answers(mock_url: str) -> None:
    answer = httpx.get(f"{mock_url}/v3/processes", headers={"Authorization": "bearer admin"})

    assert answer.json()["pagination"]["total_results"] > 0
