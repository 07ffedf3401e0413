"""What a recipe's test does, step by step, whatever language it is written in. Writes none of them."""

from dataclasses import dataclass

PROCESS = "/v3/apps/APP/processes/web"
"""The process that every recipe is about; `APP` stands for the guid of the app that the default seed has."""

STATS = f"{PROCESS}/stats"

ELEVEN_GUIDS = "/v3/processes?guids=ELEVEN"
"""A list that is asked for by eleven guids, which each language makes in its own way."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the foundation under test.

    Attributes:
        name: the variable's.
        token: what it sends as its bearer token: a user of the default seed, or any word, which is an admin's.
        patience: milliseconds that it waits for an answer.
    """

    name: str = "client"
    token: str = "admin"
    patience: int = 10_000


ADMIN = Client()
ALICE = Client("alice", "alice")
"""A developer of the space."""
HURRIED = Client("hurried", patience=500)
RENEWED = Client("renewed", "another")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, and what its client gets.

    Attributes:
        path: of a GET; None for a scale.
        body: of a scale.
        status: of the answer; None where there is none: the connection breaks, or nothing comes in time.
        says: what the answer's body has in it.
        header: what the answer has among its headers: name and value; with an empty value, what it has not.
        client: who asks.
    """

    path: str | None
    body: str
    status: int | None
    says: str = ""
    header: tuple[str, str] | None = None
    client: Client = ADMIN


def behind_process(path: str) -> str | None:
    """What follows the process, a constant in each language, in a path; None where that is of another thing."""
    return path.removeprefix(PROCESS) if path.startswith(PROCESS) else None


def scale(
    status: int | None,
    instances: int = 2,
    says: str = "",
    header: tuple[str, str] | None = None,
    client: Client = ADMIN,
    memory: int | None = None,
) -> Ask:
    """A scale of the web process; `memory` in MB."""
    more = "" if memory is None else f', "memory_in_mb": {memory}'
    return Ask(None, f'{{"instances": {instances}{more}}}', status, says, header, client)


def read(
    status: int | None,
    path: str = PROCESS,
    says: str = "",
    header: tuple[str, str] | None = None,
    client: Client = ADMIN,
) -> Ask:
    """A GET; of the web process, if nothing else is said."""
    return Ask(path, "", status, says, header, client)


@dataclass(frozen=True, slots=True)
class Advance:
    """The foundation's clock goes on at once; a recipe that has this step begins with a frozen clock."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Instances:
    """How many instances the world has of the web process."""

    count: int


@dataclass(frozen=True, slots=True)
class WhileHeld:
    """A request is sent, and held; another one is answered meanwhile; then the first goes on."""

    held: Ask
    meanwhile: Ask
    hold: str


@dataclass(frozen=True, slots=True)
class Often:
    """A request that is sent many times: some get the one status, some the other, and none a third.

    Attributes:
        ask: its status is the usual one.
        other: the other one.
        times: how many are sent.
    """

    ask: Ask
    other: int
    times: int


Step = Ask | Advance | Instances | WhileHeld | Often


@dataclass(frozen=True, slots=True)
class Recipe:
    """A scenario of the library, and the test that shows what a client meets.

    Attributes:
        scenario: its name.
        steps: in order, after the scenario has been switched on.
    """

    scenario: str
    steps: tuple[Step, ...]

    @property
    def clients(self) -> tuple[Client, ...]:
        """Those who ask, in the order of their first requests."""
        asked = [each for step in self.steps for each in list_asks(step)]
        return tuple(dict.fromkeys(each.client for each in asked))

    @property
    def stands_still(self) -> bool:
        """Whether the clock is frozen before anything else."""
        return any(isinstance(step, Advance) for step in self.steps)


def list_asks(step: Step) -> tuple[Ask, ...]:
    """The requests of a step."""
    if isinstance(step, Ask):
        return (step,)
    if isinstance(step, Often):
        return (step.ask,)
    return (step.held, step.meanwhile) if isinstance(step, WhileHeld) else ()
