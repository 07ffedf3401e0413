"""What the scenario tests share: the contract, the catalogue's titles, and a request to be matched."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from mockfoundry.cloudfoundry.errors import CATALOGUE
from mockfoundry.contract.load import Contract, load_contract
from mockfoundry.scenarios.conditions import ABSENT
from mockfoundry.shipped import CONTRACT_FILE


@dataclass
class Ask:
    """A request as the engine sees one."""

    operation: str = "scaleProcess"
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    body: Any = ABSENT
    token: str = ""
    process: str = ""
    user: str = ""
    process_facts: Mapping[str, str] = field(default_factory=dict)
    needs_naming: bool = False


AskRequest = Callable[..., Ask]
"""Makes a request from whatever of it matters."""


@pytest.fixture(scope="session")
def ask() -> AskRequest:
    return Ask


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load_contract(CONTRACT_FILE)


@pytest.fixture(scope="session")
def errors() -> Mapping[str, int]:
    return {title: entry.status for title, entry in CATALOGUE.items()}
