"""Assembly: a service put together from what its user asked for. Never listens and never answers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mockfoundry import shipped
from mockfoundry.cloudfoundry.api.operations import OPERATIONS
from mockfoundry.cloudfoundry.auth import Authority, derive_signing_key
from mockfoundry.cloudfoundry.errors import CATALOGUE
from mockfoundry.cloudfoundry.seeds.patch import apply_world_patch
from mockfoundry.cloudfoundry.seeds.read import build_default_world, read_seed, world_from_seed
from mockfoundry.cloudfoundry.world import World
from mockfoundry.contract.load import Contract, load_contract
from mockfoundry.contract.plan import ContractError
from mockfoundry.documents.problems import Document, DocumentError, Problem
from mockfoundry.exchange.run import Service
from mockfoundry.foundations.registry import FoundationRegistry, ServerBounds
from mockfoundry.scenarios.library import list_library_files, load_scenarios
from mockfoundry.scenarios.model import Scenario
from mockfoundry.scenarios.rule_index import CompiledScenarios

ERROR_STATUSES: Mapping[str, int] = {title: entry.status for title, entry in CATALOGUE.items()}
"""The statuses of the catalogue's errors, as the scenarios need them."""

DEFAULT_RANDOM_SEED = 1


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What a service is made of.

    Attributes:
        scenarios: names of the library, or files, or what is written in one, in the order in which they are asked.
        canned: every operation is served from the contract's examples.
        strict: what the real one accepts against its documentation is refused.
        random_seed: what everything follows from that the seed file leaves out.
        born: real microseconds since the epoch, when the world begins.
        strict_auth: only minted tokens and the names of seeded users count.
        trust_forwarded: a proxy says where a request was sent to.
        bounds: what the server holds at most.
    """

    born: int
    contract: Path = shipped.CONTRACT_FILE
    seed: Path | Document | None = None
    scenarios: tuple[str | Document, ...] = ()
    canned: bool = False
    strict: bool = False
    random_seed: int = DEFAULT_RANDOM_SEED
    strict_auth: bool = False
    trust_forwarded: bool = False
    bounds: ServerBounds = field(default_factory=ServerBounds)


class NamedScenarios(Mapping[str, CompiledScenarios]):
    """The scenarios that a request may ask for by name: the start's and the library's, each read when asked for."""

    def __init__(self, contract: Contract, scenarios: tuple[Scenario, ...]) -> None:
        self._contract = contract
        self._library = list_library_files()
        self._made = {scenario.name: CompiledScenarios((scenario,)) for scenario in scenarios}

    def __getitem__(self, name: str) -> CompiledScenarios:
        if name not in self._made:
            if name not in self._library:
                raise KeyError(name)
            self._made[name] = CompiledScenarios(load_scenarios((name,), self._contract, ERROR_STATUSES))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._made, **self._library})

    def __len__(self) -> int:
        return len({**self._made, **self._library})


def build_service(options: ServerOptions) -> Service:
    """The service that the options describe.

    Raises:
        ContractError: the contract can't be used.
        DocumentError: the seed or a scenario can't be used.
        OSError: a file can't be read.
    """
    contract = load_contract(options.contract)
    if options.contract == shipped.CONTRACT_FILE:
        require_operations(contract, OPERATIONS)
    world = build_seed_world(options)
    scenarios = load_scenarios(options.scenarios, contract, ERROR_STATUSES)
    for scenario in scenarios:
        must_fit_world(scenario, world, options.born)
    registry = FoundationRegistry(world, CompiledScenarios(scenarios), options.bounds)
    operations = {} if options.canned else OPERATIONS
    authority = Authority(derive_signing_key(options.random_seed), options.strict_auth)
    named_scenarios = NamedScenarios(contract, scenarios)
    return Service(contract, operations, registry, named_scenarios, authority, options.trust_forwarded, options.strict)


def require_operations(contract: Contract, names: Iterable[str]) -> None:
    """Raises ContractError where the contract lacks an operation of these: what it would do could never be reached."""
    unknown = [name for name in names if name not in contract.plans]
    if unknown:
        raise ContractError(
            f"{contract.source} has no operation {', '.join(unknown)}, which the world implements; "
            "add it to the contract, or correct its operationId"
        )


def must_fit_world(scenario: Scenario, world: World, now: int) -> None:
    """Tries on a copy what a scenario changes in a world.

    Raises:
        DocumentError: the world does not have what it changes.
    """
    trial = world.copy()
    for given in (scenario.given, *(event.given for event in scenario.events)):
        try:
            if given:
                apply_world_patch(trial, given, now)
        except DocumentError as error:
            places = [Problem(f"scenario {scenario.name}", 1, 1, problem.text) for problem in error.problems]
            raise DocumentError(places) from None


def build_seed_world(options: ServerOptions) -> World:
    """The world that each foundation begins as."""
    seed = options.seed
    if isinstance(seed, Path):
        seed = Document(seed.read_text(encoding="utf-8"), str(seed))
    text, source = (None, "") if seed is None else (seed.text, seed.source)
    return build_seed_world_from_text(text, source, random_seed=options.random_seed, born=options.born)


def build_seed_world_from_text(seed: str | None, source: str, *, random_seed: int, born: int) -> World:
    """The world of a seed file's text; None is the default seed.

    Raises:
        DocumentError: the text is no seed.
    """
    if seed is None:
        return build_default_world(random_seed=random_seed, born=born)
    return world_from_seed(read_seed(seed, source), random_seed=random_seed, born=born)
