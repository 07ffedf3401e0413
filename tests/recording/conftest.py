"""One server in this process for the tests of recordings, and a foundation of its own for each test."""

from collections.abc import Iterator

import httpx
import pytest

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.in_process import InProcess
from tests.recording.recorded import ADMIN

SEED = """\
feature_flags: {diego_docker: {enabled: true}}
organizations:
  - name: acme
    quota: {total_memory_in_mb: 10240}
    metadata: {labels: {stage: test}}
    spaces:
      - name: dev
        quota: {total_instances: 30}
        apps:
          - name: dora
            sidecars: [{name: proxy, process_types: [web], memory_in_mb: 32}]
            environment_variables: {GREETING: 'good morning, moon', PLAIN: yellow-submarine}
            processes:
              - {type: web, instances: 2, command: rackup, instance_states: {1: CRASHED}}
              - {type: worker, instances: 0, health_check: {type: http, data: {endpoint: /health, timeout: 7}}}
          - name: deploying
            deployment: {strategy: rolling, seconds: null}
          - {name: stopped, state: STOPPED, lifecycle: docker}
      - {name: other, suspended: true}
  - {name: empty, suspended: true}
users:
  - name: alice
    organizations: {acme: [organization_user]}
    spaces: {acme/dev: [space_developer]}
  - {name: audrey, scopes: [cloud_controller.global_auditor]}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[InProcess]:
    with InProcess(seed=SEED) as running:
        yield running


@pytest.fixture
def foundation(server: InProcess) -> Foundation:
    """A foundation of its own, ten seconds after its beginning, when nothing starts any more."""
    made = server.foundation()
    made.clock.freeze()
    made.clock.advance("10s")
    return made


@pytest.fixture
def client(server: InProcess, foundation: Foundation) -> Iterator[httpx.Client]:
    """Asks the foundation itself, not the proxy."""
    with httpx.Client(transport=server.transport(), base_url=foundation.url, headers=ADMIN) as made:
        yield made
