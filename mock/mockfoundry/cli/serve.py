"""`mockfoundry serve`: starts a server and says in one screen how to use it.

`mockfoundry selftest`: whether rules fire exactly as often as they say, on this machine.
"""

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockfoundry.cli.ask import fail, report_user_errors
from mockfoundry.version import __version__

if TYPE_CHECKING:
    from mockfoundry.exchange.run import Service


LOOPBACK_PREFIXES = ("127.", "::1")


def parse_idle_duration(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    """A duration that was given as an option, in microseconds."""
    from mockfoundry.documents.times import parse_duration

    try:
        found = None if text is None else parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no duration: {error}") from None
    if found == 0:
        raise click.BadParameter(f"{text!r} would take away every foundation that another one is made beside; take 1m")
    return found


@click.command()
@click.option("--host", default="127.0.0.1", envvar="MOCKFOUNDRY_HOST", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8080,
    type=click.IntRange(0, 65535),
    envvar="MOCKFOUNDRY_PORT",
    show_default=True,
    help="Port to listen on; 0 picks a free one and prints it.",
)
@click.option(
    "--mode",
    type=click.Choice(["stateful", "canned"]),
    default="stateful",
    envvar="MOCKFOUNDRY_MODE",
    show_default=True,
    help="Answer from a world that changes, or from the contract's examples.",
)
@click.option(
    "--seed",
    type=click.Path(path_type=Path),
    envvar="MOCKFOUNDRY_SEED",
    help="Seed file (YAML or JSON): the organizations, apps and processes to begin with.",
)
@click.option(
    "--scenario",
    "names",
    multiple=True,
    metavar="NAME|FILE",
    envvar="MOCKFOUNDRY_SCENARIO",
    help="Scenario to play from the start; may be given several times.",
)
@click.option(
    "--contract",
    type=click.Path(path_type=Path),
    envvar="MOCKFOUNDRY_CONTRACT",
    help="Another OpenAPI 3.0 document; its operations without a behaviour are served from their examples.",
)
@click.option(
    "--strict",
    is_flag=True,
    envvar="MOCKFOUNDRY_STRICT",
    help="Refuse what the contract does not allow, also where the real Cloud Controller lets it pass.",
)
@click.option(
    "--random-seed",
    type=int,
    default=1,
    envvar="MOCKFOUNDRY_RANDOM_SEED",
    show_default=True,
    help="What guids, usage numbers and chance follow from.",
)
@click.option(
    "--strict-auth",
    is_flag=True,
    envvar="MOCKFOUNDRY_STRICT_AUTH",
    help="Take only minted tokens (by servers of the same random seed) and the names of seeded users.",
)
@click.option(
    "--trust-forwarded",
    is_flag=True,
    envvar="MOCKFOUNDRY_TRUST_FORWARDED",
    help="Believe X-Forwarded-Proto and X-Forwarded-Host; only behind a proxy that sets both.",
)
@click.option(
    "--max-body",
    type=click.IntRange(1),
    default=1024 * 1024,
    envvar="MOCKFOUNDRY_MAX_BODY",
    show_default=True,
    help="Largest request body in bytes; a larger one gets 413.",
)
@click.option(
    "--max-foundations",
    type=click.IntRange(1),
    default=20_000,
    envvar="MOCKFOUNDRY_MAX_FOUNDATIONS",
    show_default=True,
    help="How many foundations there may be.",
)
@click.option(
    "--max-journal",
    type=click.IntRange(0),
    default=8 * 1024 * 1024,
    envvar="MOCKFOUNDRY_MAX_JOURNAL",
    show_default=True,
    help="Bytes of requests that each foundation remembers; the oldest are forgotten first.",
)
@click.option(
    "--max-journals",
    type=click.IntRange(0),
    default=128 * 1024 * 1024,
    envvar="MOCKFOUNDRY_MAX_JOURNALS",
    show_default=True,
    help="The same for all foundations together; those that were asked longest ago forget first.",
)
@click.option(
    "--max-rules",
    type=click.IntRange(0),
    default=200_000,
    envvar="MOCKFOUNDRY_MAX_RULES",
    show_default=True,
    help="How many rules of scenarios may be on in one foundation.",
)
@click.option(
    "--max-held",
    type=click.IntRange(0),
    default=1_000,
    envvar="MOCKFOUNDRY_MAX_HELD",
    show_default=True,
    help="How many requests scenarios may hold at once.",
)
@click.option(
    "--expire-idle",
    default=None,
    metavar="DURATION",
    callback=parse_idle_duration,
    envvar="MOCKFOUNDRY_EXPIRE_IDLE",
    help="Take foundations away that nobody has asked for so long (30m, 2h); never by default.",
)
@click.option(
    "--control-token",
    default="",
    envvar="MOCKFOUNDRY_CONTROL_TOKEN",
    help="What every call of the control API under /__mock/ must carry as its bearer token; none by default.",
)
@click.option(
    "--door",
    type=click.Choice(["protocol", "asgi"]),
    default="protocol",
    envvar="MOCKFOUNDRY_DOOR",
    show_default=True,
    help="How requests come in: the fast protocol, or connexion's ASGI stack alone.",
)
def serve(
    host: str,
    port: int,
    mode: str,
    seed: Path | None,
    names: tuple[str, ...],
    contract: Path | None,
    strict: bool,
    random_seed: int,
    strict_auth: bool,
    trust_forwarded: bool,
    max_body: int,
    max_foundations: int,
    max_journal: int,
    max_journals: int,
    max_rules: int,
    max_held: int,
    expire_idle: int | None,
    control_token: str,
    door: str,
) -> None:
    """Start the mock server."""
    from mockfoundry import shipped
    from mockfoundry.assembly import ServerOptions, build_service
    from mockfoundry.foundations.registry import ServerBounds
    from mockfoundry.server.delivery import ServerLimits
    from mockfoundry.server.run import bind_socket, make_listening_server, tune_garbage_collector, url_of_socket

    with report_user_errors():
        service = build_service(
            ServerOptions(
                born=time.time_ns() // 1000,
                contract=contract or shipped.CONTRACT_FILE,
                seed=seed,
                scenarios=names,
                canned=mode == "canned",
                strict=strict,
                random_seed=random_seed,
                strict_auth=strict_auth,
                trust_forwarded=trust_forwarded,
                bounds=ServerBounds(
                    foundations=max_foundations,
                    journal=max_journal,
                    journals=max_journals,
                    rules=max_rules,
                    idle=expire_idle,
                ),
            )
        )
    try:
        bound = bind_socket(host, port)
    except OSError as error:
        fail(f"can't listen on {host} port {port}: {error.strerror or error}; --port 0 takes a free one")
    screen = render_start_screen(service, url_of_socket(bound), mode, names, host)
    server = make_listening_server(
        service,
        "asgi" if door == "asgi" else "protocol",
        ServerLimits(body=max_body, held=max_held),
        lambda: click.echo(screen),
        control_token,
    )
    tune_garbage_collector()

    def end(*_: object) -> None:
        # A signal before uvicorn listens to them; it raises the one that ended it once more when all is done.
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    server.run(sockets=[bound])


def render_start_screen(service: "Service", url: str, mode: str, names: tuple[str, ...], host: str) -> str:
    """What is printed once the server listens."""
    from mockfoundry.foundations.registry import DEFAULT_FOUNDATION

    contract = service.contract
    world = service.registry.get_or_create(DEFAULT_FOUNDATION, time.time_ns() // 1000).world
    counts = (
        (len(world.organizations), "organization", "organizations"),
        (len(world.spaces), "space", "spaces"),
        (len(world.apps), "app", "apps"),
        (len(world.processes), "process", "processes"),
    )
    held = ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts)
    lines = [
        f"mockfoundry {__version__}",
        "",
        f"  URL         {url}",
        f"  mode        {mode}",
        f"  contract    {contract.title} {contract.version}, {len(contract.plans)} operations",
        f"  foundation  default: {held}",
        f"  scenarios   {', '.join(names) or 'none (mockfoundry scenarios lists them)'}",
        "",
    ]
    guid = next((process.guid for process in world.processes.values() if process.type == "web"), None)
    if guid is not None and "scaleProcess" in contract.plans:
        lines += [
            "  Try it",
            f"    curl -i -X POST {url}/v3/processes/{guid}/actions/scale \\",
            "      -H 'Authorization: bearer admin' -H 'Content-Type: application/json' -d '{\"instances\": 3}'",
            "",
        ]
    if not host.startswith(LOOPBACK_PREFIXES):
        lines += ["  This address can be reached from other machines; any token is an admin here.", ""]
    lines.append("  Ctrl-C ends it.")
    return "\n".join(lines)


@click.command()
@click.option("--rounds", default=1000, type=click.IntRange(1, 100_000), show_default=True, help="How many to play.")
def selftest(rounds: int) -> None:
    """Play rounds of 32 parallel requests against a server of its own: exit code 0 if every one was exact, 1 if not."""
    from mockfoundry.selftest import PARALLEL_REQUESTS, SEQUENCE_STATUSES, TIMES, run_selftest

    result = run_selftest(rounds)
    click.echo(f"{PARALLEL_REQUESTS} parallel requests a round, {result.seconds:.1f} seconds")
    click.echo(
        f"  a rule with times: {TIMES} fired exactly {TIMES} times    {result.exact_counted_rounds} of {rounds} rounds"
    )
    click.echo(
        f"  a sequence of {len(SEQUENCE_STATUSES)} came whole and in turn     "
        f"{result.exact_sequence_rounds} of {rounds} rounds"
    )
    if not result.holds:
        raise SystemExit(1)
