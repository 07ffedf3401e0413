"""Servers for tests: a service on a real socket, and a client that holds every answer against the contract."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml

from mockfoundry import shipped
from mockfoundry.assembly import ERROR_STATUSES, NamedScenarios, build_seed_world_from_text, select_operations
from mockfoundry.cloudfoundry.auth import Authority
from mockfoundry.cloudfoundry.signing_keys import choose_signing_key
from mockfoundry.cloudfoundry.uaa.operations import UAA_OPERATIONS
from mockfoundry.contract.files import read_contract_text
from mockfoundry.contract.load import Contract, join_contracts, load_contract
from mockfoundry.contract.read import parse_document
from mockfoundry.exchange.run import Service
from mockfoundry.foundations.bounds import ServerBounds
from mockfoundry.foundations.registry import FoundationRegistry
from mockfoundry.options import DoorName, ServerOptions
from mockfoundry.scenarios.format import read_scenario
from mockfoundry.scenarios.library import load_scenarios
from mockfoundry.scenarios.model import Scenario
from mockfoundry.scenarios.rule_index import CompiledScenarios
from mockfoundry.server.run import BackgroundServer
from mockfoundry.store.addresses import open_keeper
from tests import default_seed, plain_http

WEB, ADMIN = default_seed.WEB, default_seed.ADMIN

A_YEAR = 365 * 24 * 3_600 * 1_000_000
"""Microseconds: longer than any test runs."""

OWN_STATUSES = frozenset({405, 406, 408, 413, 414, 431})
"""Statuses of gateways and frameworks, which no contract documents."""


@cache
def contract() -> Contract:
    """The shipped contract, loaded once."""
    return load_contract(shipped.CONTRACT_FILE)


@cache
def platform() -> Contract:
    """The shipped contract of the platform, loaded once."""
    return load_contract(shipped.PLATFORM_CONTRACT_FILE)


@cache
def served() -> Contract:
    """All that is served with the shipped contracts."""
    return join_contracts(contract(), platform())


def contract_document() -> Any:
    """The shipped contract's document, to be changed."""
    return yaml.load(contract().text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


def write_contract(document: Any, folder: Path) -> Contract:
    """The contract of a document, which is written to a file of that folder."""
    file = folder / "openapi.yaml"
    # JSON is YAML, and takes no time to write, as PyYAML does.
    file.write_text(json.dumps(document), encoding="utf-8")
    return load_contract(file)


@cache
def control_contract() -> Contract:
    """The control API's document, loaded once."""
    return load_contract(shipped.CONTROL_CONTRACT_FILE)


def read_document(file: Path) -> dict[str, Any]:
    """An OpenAPI document, as it is written."""
    return parse_document(read_contract_text(file), file)


@dataclass(frozen=True, repr=False)
class Serving:
    """A running server.

    Attributes:
        client: sends `bearer admin`, and holds every answer against the contract.
    """

    url: str
    service: Service
    client: httpx.Client

    def __repr__(self) -> str:
        """Short: Hypothesis prints it with each example that fails."""
        return f"<Serving {self.url}>"

    def freeze(self) -> None:
        """Stops the clock of the default foundation."""
        clock = self.service.registry.get_or_create("default", real_now()).world.clock
        clock.rebase(real_now())
        clock.rate = 0.0

    def advance(self, seconds: float) -> None:
        """Lets so much virtual time pass at once in the default foundation."""
        clock = self.service.registry.get_or_create("default", real_now()).world.clock
        clock.rebase(real_now())
        clock.virtual += int(seconds * 1_000_000)

    def scale(self, body: Any = None, guid: str = WEB, **options: Any) -> httpx.Response:
        """POST scale of a process."""
        return self.client.post(f"/v3/processes/{guid}/actions/scale", json=body, **options)


def real_now() -> int:
    return time.time_ns() // 1000


def service_of(
    seed: Any = None,
    scenarios: tuple[str | dict[str, Any], ...] = (),
    canned: bool = False,
    strict: bool = False,
    of: Contract | None = None,
    random_seed: int = 1,
    strict_auth: bool = False,
    signing_key: str | None = None,
    trust_forwarded: bool = False,
    bounds: ServerBounds = ServerBounds(),  # noqa: B008 (never changed)
) -> Service:
    """A service; `seed` is a seed file's text, or its value; scenarios are names, or values of files."""
    used = of or contract()
    text = seed if seed is None or isinstance(seed, str) else yaml.safe_dump(seed, sort_keys=False)
    world = build_seed_world_from_text(text, "seed.yaml", random_seed=random_seed, began_at=real_now())
    everything = of or served()
    playing = CompiledScenarios(loaded(each, everything) for each in scenarios)
    operations = {} if canned else select_operations(None if of else platform())
    registry = FoundationRegistry(world, playing, bounds)
    lineups = NamedScenarios(everything, playing)
    authority = Authority(choose_signing_key(signing_key, strict=strict_auth), strict_auth)
    return Service(
        used,
        everything,
        operations,
        registry,
        lineups,
        authority,
        trust_forwarded,
        strict,
        {} if canned else UAA_OPERATIONS,
        None if of else platform(),
    )


def loaded(scenario: str | dict[str, Any], used: Contract) -> Scenario:
    if isinstance(scenario, str):
        return load_scenarios((scenario,), used, ERROR_STATUSES)[0]
    return read_scenario(yaml.safe_dump(scenario, sort_keys=False), source="scenario.yaml")


@contextmanager
def serving(
    seed: Any = None,
    door: DoorName = "protocol",
    control_token: str = "",
    max_body: int = ServerOptions.max_body,
    max_held: int = ServerOptions.max_held,
    max_connections: int = ServerOptions.max_connections,
    head_timeout: int = ServerOptions.head_timeout,
    body_timeout: int = ServerOptions.body_timeout,
    allow_host: tuple[str, ...] = (),
    store: str | None = None,
    store_interval: int = A_YEAR,
    **options: Any,
) -> Iterator[Serving]:
    """A service on a free port until the block ends. With a store it saves at its end, and when it is asked to."""
    service = service_of(seed, **options)
    if store is not None:
        service = replace(service, keeper=open_keeper(store, service.registry))
    listening = ServerOptions(
        door=door,
        control_token=control_token,
        max_body=max_body,
        max_held=max_held,
        max_connections=max_connections,
        head_timeout=head_timeout,
        body_timeout=body_timeout,
        allow_host=allow_host,
        store=store,
        store_interval=store_interval,
        max_seed=service.registry.bounds.seed_bytes,
    )
    with (
        BackgroundServer(service, listening) as server,
        plain_http.client(
            base_url=server.url,
            headers=ADMIN,
            event_hooks={"response": [lambda answer: hold_against(service.served, answer)]},
        ) as client,
    ):
        yield Serving(server.url, service, client)


@contextmanager
def serving_still(seed: Any) -> Iterator[Serving]:
    """A service whose foundations stand still in time, all at the moment at which the seed's world was made."""
    with serving(seed=seed) as server:
        server.service.registry.initial_world.clock.rate = 0.0
        yield server


def hold_against(used: Contract, answer: httpx.Response) -> None:
    """Fails where the contract does not document an answer: its status, or its body."""
    path = answer.request.url.raw_path.decode().partition("?")[0]
    if path.startswith("/__mock"):
        hold_against_control_document(answer, path)
        return
    route = used.routes.find(answer.request.method, path)
    if route is None or answer.status_code in OWN_STATUSES or "Mock-" in answer.headers.get("x-mock-why", ""):
        return
    answer.read()
    if b'"title":"Mock-' in answer.content:
        return
    documented = route.plan.responses.get(answer.status_code)
    assert documented is not None, f"{route.plan.operation} does not document {answer.status_code}: {answer.text}"
    if answer.request.method == "HEAD":
        return
    if documented.body is None:
        assert answer.content == b"", f"{route.plan.operation} documents no body with {answer.status_code}"
        return
    written = answer.json() if "json" in (documented.media_types or ("json",))[0] else answer.text
    violations = documented.body.violations(written)
    assert not violations, f"{route.plan.operation} {answer.status_code}: {violations[0].describe()}"


def hold_against_control_document(answer: httpx.Response, path: str) -> None:
    """Fails where the control API's document does not describe an answer: its status, its media type, or its body."""
    media_type = answer.headers.get("content-type", "")
    if media_type.startswith(("application/x-ndjson", "text/html", "text/event-stream")):
        return
    if path.startswith("/__mock/console") and media_type != "application/problem+json":
        # Pages are for people, and so is what they load.
        return
    control = control_contract()
    route = control.routes.find(answer.request.method, path)
    # A call that there is not is refused in the form of all problems.
    plan = control.plans["show_clock"] if route is None else route.plan
    documented = plan.responses.get(answer.status_code, plan.default_response)
    assert documented is not None, f"{plan.operation} does not document {answer.status_code}: {answer.text}"
    assert media_type in (documented.media_types or ("",)), f"{plan.operation} {answer.status_code}: {media_type}"
    if documented.body is not None and media_type.endswith("json") and answer.request.method != "HEAD":
        answer.read()
        violations = documented.body.violations(answer.json())
        assert not violations, f"{plan.operation} {answer.status_code}: {violations[0].describe()}"
