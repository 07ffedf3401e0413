"""Assembly: a service put together from what its user asked for. Never listens and never answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mockfoundry import shipped
from mockfoundry.cloudfoundry.errors import CATALOGUE
from mockfoundry.cloudfoundry.given import apply_given
from mockfoundry.cloudfoundry.operations import OPERATIONS
from mockfoundry.cloudfoundry.permissions import Authority
from mockfoundry.cloudfoundry.seeds import default_world, read_seed, world_from
from mockfoundry.cloudfoundry.tokens import key_of
from mockfoundry.cloudfoundry.world import World
from mockfoundry.contract import Contract, load_contract
from mockfoundry.documents import DocumentError, Problem, Written
from mockfoundry.exchange import Service
from mockfoundry.foundations import Bounds, Registry
from mockfoundry.scenarios import Lineup, Scenario, library, load_scenarios

ERRORS: Mapping[str, int] = {title: entry.status for title, entry in CATALOGUE.items()}
"""The statuses of the catalogue's errors, as the scenarios need them."""

RANDOM_SEED = 1


@dataclass(frozen=True, slots=True)
class Options:
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
    contract: Path = shipped.CONTRACT
    seed: Path | Written | None = None
    scenarios: tuple[str | Written, ...] = ()
    canned: bool = False
    strict: bool = False
    random_seed: int = RANDOM_SEED
    strict_auth: bool = False
    trust_forwarded: bool = False
    bounds: Bounds = field(default_factory=Bounds)


class Lineups(Mapping[str, Lineup]):
    """The scenarios that a request may ask for by name: the start's and the library's, each read when asked for."""

    def __init__(self, contract: Contract, scenarios: tuple[Scenario, ...]) -> None:
        self._contract = contract
        self._library = library()
        self._made = {scenario.name: Lineup((scenario,)) for scenario in scenarios}

    def __getitem__(self, name: str) -> Lineup:
        if name not in self._made:
            if name not in self._library:
                raise KeyError(name)
            self._made[name] = Lineup(load_scenarios((name,), self._contract, ERRORS))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._made, **self._library})

    def __len__(self) -> int:
        return len({**self._made, **self._library})


def assembled(options: Options) -> Service:
    """The service that the options describe.

    Raises:
        ContractError: the contract can't be used.
        DocumentError: the seed or a scenario can't be used.
        OSError: a file can't be read.
    """
    contract = load_contract(options.contract)
    world = begun(options)
    scenarios = load_scenarios(options.scenarios, contract, ERRORS)
    for scenario in scenarios:
        must_fit(scenario, world, options.born)
    registry = Registry(world, Lineup(scenarios), options.bounds)
    operations = {} if options.canned else OPERATIONS
    authority = Authority(key_of(options.random_seed), options.strict_auth)
    lineups = Lineups(contract, scenarios)
    return Service(contract, operations, registry, lineups, authority, options.trust_forwarded, options.strict)


def must_fit(scenario: Scenario, world: World, now: int) -> None:
    """Tries on a copy what a scenario changes in a world.

    Raises:
        DocumentError: the world does not have what it changes.
    """
    trial = world.copy()
    for given in (scenario.given, *(event.given for event in scenario.events)):
        try:
            if given:
                apply_given(trial, given, now)
        except DocumentError as error:
            places = [Problem(f"scenario {scenario.name}", 1, 1, problem.text) for problem in error.problems]
            raise DocumentError(places) from None


def begun(options: Options) -> World:
    """The world that each foundation begins as."""
    seed = options.seed
    if isinstance(seed, Path):
        seed = Written(seed.read_text(encoding="utf-8"), str(seed))
    text, source = (None, "") if seed is None else (seed.text, seed.source)
    return begun_from(text, source, random_seed=options.random_seed, born=options.born)


def begun_from(seed: str | None, source: str, *, random_seed: int, born: int) -> World:
    """The world of a seed file's text; None is the default seed.

    Raises:
        DocumentError: the text is no seed.
    """
    if seed is None:
        return default_world(random_seed=random_seed, born=born)
    return world_from(read_seed(seed, source), random_seed=random_seed, born=born)
