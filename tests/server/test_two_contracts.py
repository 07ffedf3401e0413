"""How far the second contract reaches: `--contract`, what the control API shows of it, coverage and torture."""

from pathlib import Path

import pytest

from mockfoundry import shipped
from mockfoundry.assembly import build_service
from mockfoundry.contract.load import join_contracts, load_contract
from mockfoundry.options import ServerOptions
from mockfoundry.torture.trials import TortureError, TortureSettings, check_torture_settings, select_called_plans
from tests.cloudfoundry.logging_in import log_in
from tests.serving import Serving, contract, platform, real_now, served, serving


@pytest.fixture
def own_contract(tmp_path: Path) -> str:
    """The processes' document under another name, as a user's own."""
    file = tmp_path / "own.yaml"
    file.write_text(contract().text, encoding="utf-8")
    return str(file)


def test_a_contract_of_ones_own_replaces_both(own_contract: str) -> None:
    service = build_service(ServerOptions(contract=own_contract), real_now())
    assert service.platform is None
    assert service.served.plans.keys() == contract().plans.keys()


def test_the_platform_can_be_kept_beside_a_contract_of_ones_own(own_contract: str) -> None:
    service = build_service(ServerOptions(contract=own_contract, platform="shipped"), real_now())
    assert service.platform is not None
    assert service.served.plans.keys() == served().plans.keys()


def test_the_platforms_contract_is_shown() -> None:
    with serving() as server:
        shown = server.client.get("/__mock/platform.yaml")
        assert (shown.text, shown.headers["content-type"]) == (platform().text, "application/yaml")
        described = {
            "title": platform().title,
            "version": platform().version,
            "operations": len(platform().plans),
        }
        assert server.client.get("/__mock/health").json()["platform"] == described


def test_without_a_platform_none_is_shown() -> None:
    with serving(of=contract()) as server:
        assert server.client.get("/__mock/health").json()["platform"] is None
        assert server.client.get("/__mock/platform.yaml").status_code == 404
        assert server.client.get("/").status_code == 404


def operations_covered(server: Serving, query: str = "") -> set[str]:
    covered = server.client.get(f"/__mock/foundations/default/coverage{query}").json()
    return {each["operation"] for each in covered["squares"]}


def test_coverage_is_of_the_processes_unless_others_are_named() -> None:
    with serving() as server:
        assert log_in(server, "admin").status_code == 200
        assert operations_covered(server) == set(contract().plans)
        assert operations_covered(server, "?operation=issueToken") == {"issueToken"}


def test_torture_is_of_the_processes_unless_others_are_named() -> None:
    """A client that logs in first is not failed there; by name it is."""
    calls = {"issueToken": 1, "getRoot": 1, "scaleProcess": 2}
    plans = select_called_plans(TortureSettings(command=("x",)), contract(), calls, "")
    assert [plan.operation for plan in plans] == ["scaleProcess"]
    named = TortureSettings(command=("x",), operations=("issueToken",))
    everything = join_contracts(contract(), load_contract(shipped.PLATFORM_CONTRACT_FILE))
    check_torture_settings(named, everything)
    assert [plan.operation for plan in select_called_plans(named, everything, calls, "")] == ["issueToken"]
    with pytest.raises(TortureError, match="--operation names operations of the platform"):
        select_called_plans(TortureSettings(command=("x",)), contract(), {"issueToken": 1}, "")
