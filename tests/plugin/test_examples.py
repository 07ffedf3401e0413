"""With Hypothesis each example finds its foundation as the first one did, and a failing one is a file to keep."""

import re
import textwrap

import pytest

from tests.plugin.conftest import Run

IMPORTS = """
from hypothesis import given, settings, strategies as st
from mockfoundry.strategies import failures

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
"""
"""What a user writes; a machine under load may need any time for an example."""


@pytest.mark.parametrize("explicit", ["@settings(max_examples=10)", pytest.param("", marks=pytest.mark.long)])
def test_each_example_has_a_fresh_foundation(run_there: Run, explicit: str) -> None:
    result = run_there(f"""{IMPORTS}
@pytest.mark.scenario("conflict-then-ok")
{explicit}
@given(instances=st.integers(2, 9))
def test_scales(foundation, instances):
    assert foundation.requests() == []
    assert foundation.process("dora").instances == 1
    assert [scale(foundation, instances).status_code for _ in range(2)] == [409, 202]
""")
    result.assert_outcomes(passed=1)


def test_what_fixtures_did_before_the_first_example_is_there_in_each_and_strategies_need_no_fixture(
    run_there: Run,
) -> None:
    result = run_there(f"""{IMPORTS}
from mockfoundry.strategies import worlds


@pytest.fixture
def busy(foundation):
    foundation.play("conflict-then-ok")
    assert scale(foundation, 9).status_code == 409
    return foundation


@settings(max_examples=10)
@given(instances=st.integers(2, 9))
def test_scales(busy, foundation, instances):
    assert [each.status for each in foundation.requests()] == [409]
    assert scale(busy, instances).status_code == 202


@settings(max_examples=2)
@given(seed=worlds())
def test_any_world(mock_server, seed):
    assert mock_server.foundation(seed=seed).state()["organizations"]
""")
    result.assert_outcomes(passed=2)


@pytest.mark.long
def test_an_async_test_is_a_test_too(run_there: Run) -> None:
    result = run_there(f"""{IMPORTS}
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@settings(max_examples=5)
@given(instances=st.integers(2, 9))
async def test_scales(foundation, instances):
    assert foundation.requests() == []
    bearer = {{"Authorization": "bearer a"}}
    async with httpx.AsyncClient(base_url=foundation.url, headers=bearer, verify=False) as client:
        path = f"/v3/processes/{{WEB}}/actions/scale"
        assert (await client.post(path, json={{"instances": instances}})).status_code == 202
""")
    result.assert_outcomes(passed=1)


@pytest.mark.long
def test_a_method_is_a_test_too(run_there: Run) -> None:
    result = run_there(f"""{IMPORTS}
class TestScaling:
    @settings(max_examples=5)
    @given(instances=st.integers(2, 9))
    def test_scales(self, foundation, instances):
        assert foundation.requests() == []
        assert scale(foundation, instances).status_code == 202
""")
    result.assert_outcomes(passed=1)


NAIVE = """
def grow(foundation):
    for attempt in range(3):
        instances = httpx.get(
            f"{foundation.url}/v3/processes/{WEB}", headers={"Authorization": "bearer admin"}, verify=False
        ).json()["instances"]
        try:
            if scale(foundation, instances + 1).status_code == 202:
                return
        except httpx.HTTPError:
            pass
"""


def test_a_failing_schedule_is_printed_as_a_file_that_fails_again(run_there: Run, pytester: pytest.Pytester) -> None:
    result = run_there(f"""{IMPORTS}{NAIVE}
@settings(max_examples=200, database=None, derandomize=True)
@given(schedule=failures("scaleProcess", max_failures=3))
def test_grows_by_one(foundation, schedule):
    foundation.play(schedule)
    grow(foundation)
    assert foundation.process("dora").instances <= 2
""")
    result.assert_outcomes(failed=1)
    printed = result.stdout.str()
    kept = re.search(r"# (lost-scale.yaml); to play it again.*\n((?:E .*\n)*?)E +,\n", printed)
    assert kept is not None, printed
    pytester.path.joinpath(kept.group(1)).write_text(
        textwrap.dedent(re.sub("^E", " ", kept.group(2), flags=re.MULTILINE))
    )
    again = run_there(f"""{NAIVE}
@pytest.mark.scenario("{kept.group(1)}")
def test_grows_by_one(foundation):
    grow(foundation)
    assert foundation.process("dora").instances <= 2
""")
    again.assert_outcomes(failed=1)
    assert "instances: 1 became 3" in again.stdout.str()
