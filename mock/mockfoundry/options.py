"""Options: what a server can be started with, each option declared once. Never reads a file, never starts a server.

A field of `ServerOptions` is an option. From it follow the flag of `mockfoundry serve`, its environment variable, its
key in a file of `--config`, its line in docs/command-line.md, and what is sent to a server in its own process; tests
hold the arguments of `Server` and `InProcess` to it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, get_args, get_type_hints

from mockfoundry.documents.problems import Document
from mockfoundry.option_values import (
    MOST_SHARDS,
    parse_host_name,
    parse_idle_duration,
    parse_peer,
    parse_shard,
    parse_store_address,
    parse_store_interval,
    parse_time_limit,
)

Mode = Literal["stateful", "canned"]
DoorName = Literal["protocol", "asgi"]
RequestLogChoice = Literal["auto", "text", "json", "off"]

ANY_ADDRESSES = frozenset({"0.0.0.0", "::"})  # noqa: S104 (they are told apart, and not listened on)
"""In place of one address to listen on: all that the machine has."""

SHIPPED_PLATFORM = "shipped"
"""In place of a file: the contract of the platform that ships with mockfoundry."""

LEAST_RANDOM_SEED, LARGEST_RANDOM_SEED = -(1 << 63), (1 << 63) - 1
"""What fits into 64 bits, as every reader of an export can take it."""


@dataclass(frozen=True, slots=True)
class OptionInfo:
    """What an option needs besides the name, the type and the default of its field.

    Attributes:
        help: what the option does, in a line.
        flag: without the dashes, where it is not the field's name.
        metavar: the word that the help shows for the value; empty for click's own.
        least, most: bounds of a number; None for none.
        is_file: the value is a file's path.
        is_written: the file is made, and need not be there.
        parse: makes the value from text, or each of several; raises ValueError with what is wrong.
        in_python: `Server` and `InProcess` take it.
        is_secret: no message repeats the value.
    """

    help: str
    flag: str = ""
    metavar: str = ""
    least: int | None = None
    most: int | None = None
    is_file: bool = False
    is_written: bool = False
    parse: Callable[[str], Any] | None = None
    in_python: bool = False
    is_secret: bool = False


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """Everything that a server is started with.

    Attributes:
        seed: a file's path, or what is written in one; None for one small app.
        scenarios: names of the library, files' paths, or what is written in one, in the order in which they are asked.
        contract: a file's path; None for the shipped one.
        platform: a file's path, or SHIPPED_PLATFORM; None for the shipped one beside the shipped contract, else none.
        head_timeout, body_timeout: microseconds.
        expire_idle: microseconds of real time; None for never.
        store: `file:DIR`, or a URL of Redis; None for none.
        store_interval: microseconds of real time.
        control_token: empty for none.
        allow_host: names of hosts, without ports.
    """

    host: Annotated[str, OptionInfo("Address to listen on; with 127.0.0.1 also ::1, where that exists.")] = "127.0.0.1"
    port: Annotated[int, OptionInfo("Port to listen on; 0 picks a free one and prints it.", least=0, most=65535)] = 8080
    mode: Annotated[
        Mode, OptionInfo("Answer from a world that changes, or from the contract's examples.", in_python=True)
    ] = "stateful"
    seed: Annotated[
        str | Document | None,
        OptionInfo(
            "Seed file (YAML or JSON): the organizations, apps and processes to begin with.",
            is_file=True,
            in_python=True,
        ),
    ] = None
    scenarios: Annotated[
        tuple[str | Document, ...],
        OptionInfo(
            "Scenario to play from the start; may be given several times.",
            flag="scenario",
            metavar="NAME|FILE",
            in_python=True,
        ),
    ] = ()
    contract: Annotated[
        str | None,
        OptionInfo(
            "Another OpenAPI 3.0 document; everything it refers to must be in its folder; operations that have no "
            "behaviour are served from their examples, or from their schemas.",
            is_file=True,
            in_python=True,
        ),
    ] = None
    platform: Annotated[
        str | None,
        OptionInfo(
            "OpenAPI 3.0 document of the log-in and of what stands around the contract; with another --contract there "
            f"is none unless this names it, and {SHIPPED_PLATFORM!r} is the one that ships.",
            metavar="FILE",
            in_python=True,
        ),
    ] = None
    strict: Annotated[
        bool,
        OptionInfo(
            "Refuse everything that the contract does not allow, even what the real Cloud Controller accepts.",
            in_python=True,
        ),
    ] = False
    random_seed: Annotated[
        int,
        OptionInfo(
            "The number from which guids, usage and chance follow.",
            least=LEAST_RANDOM_SEED,
            most=LARGEST_RANDOM_SEED,
            in_python=True,
        ),
    ] = 1
    strict_auth: Annotated[
        bool,
        OptionInfo(
            "Accept only the names of seeded users and the tokens that a foundation has minted itself; they are signed "
            "with a random key, not with the throw-away key that is shipped."
        ),
    ] = False
    signing_key: Annotated[
        str | None,
        OptionInfo(
            "The RSA key that tokens are signed with: a PEM file's path; the variable takes the PEM text too.",
            is_file=True,
        ),
    ] = None
    tls: Annotated[
        bool,
        OptionInfo(
            "Serve https, with a certificate of a throw-away authority that is made at the start, which then says how "
            "clients trust it."
        ),
    ] = False
    tls_authority: Annotated[
        str | None,
        OptionInfo(
            "Where --tls writes its authority's certificate (PEM); a new file in the temporary folder by default.",
            is_file=True,
            is_written=True,
        ),
    ] = None
    tls_cert: Annotated[
        str | None,
        OptionInfo(
            "Serve https with this certificate: a PEM file, with its chain and, unless --tls-key names it, its key.",
            is_file=True,
        ),
    ] = None
    tls_key: Annotated[str | None, OptionInfo("The key of --tls-cert, without a pass phrase (PEM).", is_file=True)] = (
        None
    )
    tls_client_ca: Annotated[
        str | None,
        OptionInfo(
            "With https: let in only clients with a certificate that an authority of this PEM file has signed.",
            is_file=True,
        ),
    ] = None
    trust_forwarded: Annotated[
        bool, OptionInfo("Trust X-Forwarded-Proto and X-Forwarded-Host; use it only behind a proxy that sets both.")
    ] = False
    max_body: Annotated[int, OptionInfo("Largest request body in bytes; a larger one gets 413.", least=1)] = 1024 * 1024
    max_seed: Annotated[int, OptionInfo("Largest seed or state in bytes, as a file or in a control call.", least=1)] = (
        64 * 1024 * 1024
    )
    max_foundations: Annotated[int, OptionInfo("How many foundations there may be.", least=1, in_python=True)] = 20_000
    max_journal: Annotated[
        int,
        OptionInfo("Bytes of requests that each foundation remembers; it forgets the oldest first.", least=0),
    ] = 8 * 1024 * 1024
    max_journals: Annotated[
        int,
        OptionInfo("The same for all foundations together; those written to longest ago forget first.", least=0),
    ] = 128 * 1024 * 1024
    max_rules: Annotated[int, OptionInfo("How many scenario rules may be on in one foundation.", least=0)] = 200_000
    max_held: Annotated[int, OptionInfo("How many requests scenarios may hold at once.", least=0)] = 1_000
    max_connections: Annotated[
        int, OptionInfo("How many connections there may be at once; a further one gets 503 and is closed.", least=1)
    ] = 4_000
    head_timeout: Annotated[
        int,
        OptionInfo(
            "How long a request's line and headers may take; a slower one gets 408.",
            metavar="DURATION",
            parse=parse_time_limit,
        ),
    ] = 15_000_000
    body_timeout: Annotated[
        int,
        OptionInfo(
            "How long a request's body may take after that; a slower one gets 408.",
            metavar="DURATION",
            parse=parse_time_limit,
        ),
    ] = 60_000_000
    expire_idle: Annotated[
        int | None,
        OptionInfo(
            "Delete foundations that got no request for this long (30m, 2h); never by default.",
            metavar="DURATION",
            parse=parse_idle_duration,
        ),
    ] = None
    store: Annotated[
        str | None,
        OptionInfo(
            "Keep foundations beyond the process: file:DIR is a folder, redis:// (rediss://, unix://) a Redis or "
            "Valkey, for which redis-py is installed (pip install redis).",
            metavar="file:DIR|redis://HOST",
            parse=parse_store_address,
            is_secret=True,
        ),
    ] = None
    store_interval: Annotated[
        int,
        OptionInfo(
            "How often --store saves what has changed; it does so at the end, too.",
            metavar="DURATION",
            parse=parse_store_interval,
        ),
    ] = 30_000_000
    control_token: Annotated[
        str,
        OptionInfo(
            "The token that calls of the control API under /__mock/ must carry, all but health; none by default.",
            is_secret=True,
        ),
    ] = ""
    allow_host: Annotated[
        tuple[str, ...],
        OptionInfo(
            "Another name by which the control API may be called, besides addresses and local names; *.example.org is "
            "every name below one; may be given several times.",
            metavar="NAME",
            parse=parse_host_name,
        ),
    ] = ()
    door: Annotated[
        DoorName, OptionInfo("How requests come in: the fast protocol, or connexion's ASGI stack alone.")
    ] = "protocol"
    log: Annotated[
        RequestLogChoice,
        OptionInfo(
            "Print a line for each request: text for people, json for programs, off for none; auto is text on a "
            "terminal, else off."
        ),
    ] = "auto"
    workers: Annotated[
        int,
        OptionInfo(
            "Serve by so many processes behind nginx, each with a share of the foundations.", least=1, most=MOST_SHARDS
        ),
    ] = 1
    shard: Annotated[
        tuple[int, int] | None,
        OptionInfo(
            "Have only the foundations whose names are this server's share: 0/4 is the first of four. The proxy of "
            "`mockfoundry proxy-config` sends each request to the server that has its foundation.",
            metavar="INDEX/COUNT",
            parse=parse_shard,
        ),
    ] = None
    peer: Annotated[
        tuple[str, ...],
        OptionInfo(
            "With --shard: the URL of each server, in the order of their numbers, this one's too; lists and coverage "
            "then look over all; to be given once for each.",
            metavar="URL",
            parse=parse_peer,
        ),
    ] = ()
    watch: Annotated[
        bool,
        OptionInfo(
            "Read --seed and --scenario files anew when they change, for new foundations and resets; a wrong file is "
            "told, and what was read before stays."
        ),
    ] = False
    until_stdin_ends: Annotated[
        bool,
        OptionInfo(
            "End when the standard input ends: a program that starts the server with a pipe never leaves it behind."
        ),
    ] = False

    @property
    def speaks_tls(self) -> bool:
        """Whether the server is asked by https."""
        return self.tls or self.tls_cert is not None


@dataclass(frozen=True, slots=True)
class Option:
    """A field of `ServerOptions`, with everything that is known about it.

    Attributes:
        type: of the value, as the field declares it.
    """

    name: str
    type: Any
    default: Any
    info: OptionInfo

    @property
    def flag(self) -> str:
        """As `mockfoundry serve` takes it: `--max-body`."""
        return f"--{self.info.flag or self.name}".replace("_", "-")

    @property
    def environment_variable(self) -> str:
        """As `mockfoundry serve` reads it: `MOCKFOUNDRY_MAX_BODY`."""
        return f"MOCKFOUNDRY_{self.info.flag or self.name}".upper().replace("-", "_")


def iterate_options() -> Iterator[Option]:
    """Every option, in the order of their declarations."""
    types = get_type_hints(ServerOptions, include_extras=True)
    for each in fields(ServerOptions):
        type_, info = get_args(types[each.name])
        yield Option(each.name, type_, each.default, info)


def find_contradiction(options: ServerOptions) -> str:
    """Why a server can't be started with all of these options together, and the mend; empty where it can."""
    return next(iterate_contradictions(options), "")


def iterate_contradictions(options: ServerOptions) -> Iterator[str]:
    """What options contradict each other, or lack another one."""
    if options.tls and options.tls_cert is not None:
        yield "--tls makes a certificate, and --tls-cert names one; give one of the two"
    if options.tls_key is not None and options.tls_cert is None:
        yield "--tls-key is the key of a certificate; name that by --tls-cert, too"
    if options.tls_authority is not None and not options.tls:
        yield "--tls-authority is where --tls writes its authority's certificate; give --tls, too"
    if options.tls_client_ca is not None and not options.speaks_tls:
        yield "--tls-client-ca is about clients that come by https; give --tls or --tls-cert, too"
    if options.workers > 1:
        if options.shard is not None or options.peer:
            yield "--workers gives each of its own servers a share; leave --shard and --peer out"
        if options.speaks_tls:
            yield "--workers serves plain HTTP; give TLS to a proxy before it, or serve by one process"
        if options.port == 0:
            yield "--workers needs a port of its own: --port 8080"
        if options.strict_auth and options.signing_key is None:
            yield "--workers with --strict-auth needs --signing-key: each of its servers mints tokens that count on all"
    if options.shard is None:
        if options.peer:
            yield "--peer is given without --shard; say which of these servers this one is, as in --shard 0/2"
        return
    index, count = options.shard
    if len(set(options.peer)) < len(options.peer):
        yield "--peer names one server twice; give each its own URL, in the order of their numbers"
    if options.peer and len(options.peer) != count:
        yield f"--peer is given {len(options.peer)} times, and --shard says {count} servers; name each, this one too"
    if options.strict_auth and options.signing_key is None:
        yield (
            f"--shard {index}/{count} with --strict-auth needs --signing-key: any shard mints tokens that count on all"
        )
