"""Assembly: the service that a server's options describe. Never listens and never answers."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from mockfoundry import shipped
from mockfoundry.cloudfoundry.api.operations import OPERATIONS, Operation, run_platform_operation
from mockfoundry.cloudfoundry.auth import Authority
from mockfoundry.cloudfoundry.errors import CATALOGUE
from mockfoundry.cloudfoundry.seeds.patch import WorldPatchError, apply_world_patch
from mockfoundry.cloudfoundry.seeds.read import LARGER_SEED, build_default_world, read_seed, world_from_seed
from mockfoundry.cloudfoundry.signing_keys import choose_signing_key
from mockfoundry.cloudfoundry.uaa.operations import UAA_OPERATIONS
from mockfoundry.cloudfoundry.world import World
from mockfoundry.contract.load import Contract, join_contracts, load_contract
from mockfoundry.contract.plan import ContractError
from mockfoundry.documents.declare import Finding, Path
from mockfoundry.documents.files import read_document_file
from mockfoundry.documents.problems import Document, list_first
from mockfoundry.exchange.handshakes import explain_unplayable_tls, list_tls_faults
from mockfoundry.exchange.request import CONTROL_PATH
from mockfoundry.exchange.run import Service
from mockfoundry.foundations.addressing import PATH_PREFIX
from mockfoundry.foundations.bounds import ServerBounds
from mockfoundry.foundations.registry import FoundationRegistry
from mockfoundry.foundations.shards import Shard
from mockfoundry.garbage import pause_collection
from mockfoundry.options import SHIPPED_PLATFORM, ServerOptions
from mockfoundry.scenarios.library import load_scenarios
from mockfoundry.scenarios.model import Scenario
from mockfoundry.scenarios.rule_index import CompiledScenarios
from mockfoundry.shipped import list_library_files
from mockfoundry.wire_faults import TlsFaultName

if TYPE_CHECKING:
    from mockfoundry.store.keeper import SnapshotKeeper

ERROR_STATUSES: Mapping[str, int] = {title: entry.status for title, entry in CATALOGUE.items()}
"""The HTTP status of each error of the catalogue, by its title; scenarios are checked against them."""

log = logging.getLogger("mockfoundry")


class NamedScenarios(Mapping[str, CompiledScenarios]):
    """The scenarios that a request may name: those of the start and those of the library, each read on first use."""

    def __init__(self, contract: Contract, scenarios: CompiledScenarios) -> None:
        self._contract = contract
        self._library = list_library_files()
        self.replace(scenarios)

    def replace(self, scenarios: CompiledScenarios) -> None:
        """Takes other scenarios for those of the start."""
        self._compiled = {each.scenario.name: CompiledScenarios((each,)) for each in scenarios.compiled}

    def __getitem__(self, name: str) -> CompiledScenarios:
        if name not in self._compiled:
            if name not in self._library:
                raise KeyError(name)
            self._compiled[name] = CompiledScenarios(load_scenarios((name,), self._contract, ERROR_STATUSES))
        return self._compiled[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._compiled, **self._library})

    def __len__(self) -> int:
        return len({**self._compiled, **self._library})


def build_service(options: ServerOptions, began_at: int) -> Service:
    """The service that the options describe.

    Args:
        began_at: when the world begins, in real microseconds since the epoch.

    Raises:
        ContractError: the contract can't be used.
        DocumentError: the seed, a scenario or the signing key can't be used.
        OSError: a file can't be read.
        StoreUnreachableError: the store can't be used.
    """
    contract, platform, served = load_contracts(options)
    for each in (contract,) if platform is None else (contract, platform):
        report_broken_examples(each)
        report_shadowed_paths(each)
    if options.contract is None:
        require_operations(contract, OPERATIONS)
    world = build_seed_world(options, began_at)
    scenarios = CompiledScenarios(load_start_scenarios(options, served, world, began_at))
    shard = None if options.shard is None else Shard(*options.shard)
    registry = FoundationRegistry(world, scenarios, ServerBounds.from_options(options), shard)
    is_canned = options.mode == "canned"
    operations = {} if is_canned else select_operations(platform)
    authority = Authority(choose_signing_key(options.signing_key, strict=options.strict_auth), options.strict_auth)
    named_scenarios = NamedScenarios(served, scenarios)
    return Service(
        contract,
        served,
        operations,
        registry,
        named_scenarios,
        authority,
        options.trust_forwarded,
        options.strict,
        {} if is_canned else UAA_OPERATIONS,
        platform,
        keeper=None if options.store is None else keep_foundations(options.store, registry),
        tls_faults=list_playable_tls_faults(options),
    )


def load_start_scenarios(options: ServerOptions, served: Contract, world: World, now: int) -> tuple[Scenario, ...]:
    """The scenarios that the options name, each tried on the world.

    Args:
        now: real microseconds since the epoch.

    Raises:
        DocumentError: one can't be used.
    """
    tls_faults = list_playable_tls_faults(options)

    def find_misfits(scenario: Scenario) -> list[Finding]:
        return find_unplayable_tls(scenario, tls_faults) or find_scenario_misfits(scenario, world, now)

    return load_scenarios(options.scenarios, served, ERROR_STATUSES, find_misfits)


def list_playable_tls_faults(options: ServerOptions) -> tuple[TlsFaultName, ...]:
    """The faults of TLS that a server with these options can play; none without TLS."""
    return list_tls_faults(options.tls) if options.speaks_tls else ()


def keep_foundations(store: str, registry: FoundationRegistry) -> "SnapshotKeeper":
    """What keeps the foundations of a registry in a store.

    Raises:
        StoreUnreachableError: the store can't be used.
    """
    # Most servers keep nothing.
    from mockfoundry.store.addresses import open_keeper

    return open_keeper(store, registry)


def load_contracts(options: ServerOptions) -> tuple[Contract, Contract | None, Contract]:
    """The contract that the options ask for, that of the platform (None for none), and both as one.

    Raises:
        ContractError: a document can't be used.
    """
    contract = load_contract(shipped.CONTRACT_FILE if options.contract is None else FilePath(options.contract))
    platform = load_platform(options)
    return contract, platform, contract if platform is None else join_contracts(contract, platform)


def load_served_contract(options: ServerOptions) -> Contract:
    """Every operation that a server with these options serves, as one contract.

    Raises:
        ContractError: a document can't be used.
    """
    _, _, served = load_contracts(options)
    return served


def select_operations(platform: Contract | None) -> Mapping[str, Operation]:
    """The behaviours by operationId.

    Args:
        platform: the contract of the platform, None for none.
    """
    if platform is None:
        return OPERATIONS
    names = [name for name in platform.plans if name not in UAA_OPERATIONS]
    if platform.source != shipped.PLATFORM_CONTRACT_FILE:
        from mockfoundry.cloudfoundry.api.platform_operations import PLATFORM_OPERATIONS

        names = [name for name in names if name in PLATFORM_OPERATIONS]
    return {**OPERATIONS, **{name: partial(run_platform_operation, name) for name in names}}


def load_platform(options: ServerOptions) -> Contract | None:
    """The contract of the platform that the options ask for; None for none.

    Raises:
        ContractError: it can't be used.
    """
    if options.platform not in (None, SHIPPED_PLATFORM):
        return load_contract(FilePath(options.platform))
    if options.platform is None and options.contract is not None:
        return None
    return load_contract(shipped.PLATFORM_CONTRACT_FILE)


def report_broken_examples(contract: Contract) -> None:
    """Logs which of a document's own examples break its schemas, the first of them."""
    if contract.broken_examples:
        lines = "\n  ".join(list_first(contract.broken_examples, str))
        log.warning("%s: what is answered is made from the schema where\n  %s", contract.source, lines)


def report_shadowed_paths(contract: Contract) -> None:
    """Logs which of a document's paths no request reaches, since mockfoundry itself has them."""
    shadowed = [each.path for each in contract.patterns if each.path.startswith((PATH_PREFIX, CONTROL_PATH))]
    if shadowed:
        paths = ", ".join(list_first(dict.fromkeys(shadowed), str))
        log.warning(
            "%s: never reached, since /foundations/ and %s/ are mockfoundry's own: %s; ask with a foundation before "
            "it, as in /foundations/NAME%s",
            contract.source,
            CONTROL_PATH,
            paths,
            shadowed[0],
        )


def require_operations(contract: Contract, names: Iterable[str]) -> None:
    """Raises ContractError where the contract lacks an operation of these: what it would do could never be reached."""
    unknown = [name for name in names if name not in contract.plans]
    if unknown:
        raise ContractError(
            f"{contract.source} has no operation {', '.join(unknown)}, which the world implements; "
            "add it to the contract, or correct its operationId"
        )


def find_unplayable_tls(scenario: Scenario, playable: tuple[TlsFaultName, ...]) -> list[Finding]:
    """What a server can't play of a scenario that breaks handshakes."""
    text = explain_unplayable_tls(scenario, playable)
    return [Finding(("tls",), text, "key")] if text else []


def find_scenario_misfits(scenario: Scenario, world: World, now: int) -> list[Finding]:
    """What a world does not have of what a scenario changes in it: of its first change that can't be made."""
    trial = world.copy()
    changes: list[tuple[Path, object]] = [(("given",), scenario.given)]
    changes += [(("events", position, "given"), event.given) for position, event in enumerate(scenario.events)]
    for path, given in changes:
        try:
            if given:
                apply_world_patch(trial, given, now)
        except WorldPatchError as error:
            return [each._replace(path=(*path, *each.path), spot="key") for each in error.findings]
    return []


def build_seed_world(options: ServerOptions, began_at: int) -> World:
    """The world that each foundation begins as."""
    seed = options.seed
    if isinstance(seed, str):
        path = FilePath(seed)
        seed = Document(read_document_file(path, options.max_seed, LARGER_SEED), str(path))
    text, source = (None, "") if seed is None else (seed.text, seed.source)
    with pause_collection():
        return build_seed_world_from_text(
            text, source, random_seed=options.random_seed, began_at=began_at, most=options.max_seed
        )


def build_seed_world_from_text(
    seed: str | None, source: str, *, random_seed: int, began_at: int, most: int = ServerOptions.max_seed
) -> World:
    """The world of a seed file's text; None is the default seed.

    Args:
        most: bytes of UTF-8 that the text may have.

    Raises:
        DocumentError: the text is not a seed.
    """
    if seed is None:
        return build_default_world(random_seed=random_seed, began_at=began_at)
    return world_from_seed(read_seed(seed, source, most), random_seed=random_seed, began_at=began_at)
