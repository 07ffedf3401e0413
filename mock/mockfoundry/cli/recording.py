"""Commands about a real foundation: record it, and make a seed, a comparison and a scenario of that. Decide nothing."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockfoundry.cli.completion import complete_scenario
from mockfoundry.cli.durations import duration_option
from mockfoundry.cli.errors import fail, report_user_errors
from mockfoundry.cli.files import CONTRACT_OPTION, PLATFORM_OPTION
from mockfoundry.cli.printing import FORMAT_CHOICE, print_json, print_text

if TYPE_CHECKING:
    from mockfoundry.options import ServerOptions
    from mockfoundry.recording.comparison import Comparison, Difference
    from mockfoundry.recording.har import Recording
    from mockfoundry.recording.origins import Origins


def read_host_name(text: str) -> str:
    from mockfoundry.option_values import parse_host_name

    try:
        return parse_host_name(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


HAR_ARGUMENT = click.argument("file", type=click.Path(path_type=Path))

SEED_OPTION = click.option(
    "--seed", type=click.Path(), help="The world that it is played on; by default the one that seed-from makes of FILE."
)


@click.command()
@click.option("--upstream", required=True, metavar="URL", help="The foundation's API: https://api.example.org.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The HAR file that is made.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8090, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 picks a free one."
)
@click.option(
    "--allow-host",
    multiple=True,
    metavar="NAME",
    callback=lambda _context, _parameter, names: tuple(map(read_host_name, names)),
    help="Another name by which it may be called; may be given several times.",
)
@click.option(
    "--upstream-ca", type=click.Path(), metavar="FILE", help="Certificates (PEM) to trust besides the system's."
)
@duration_option("--timeout", default="60s", about="How long the foundation may be silent.", takes_none=False)
@click.option(
    "--max-body", default=1 << 20, show_default=True, type=click.IntRange(0), help="Bytes of the largest body kept."
)
@click.option(
    "--max-entries", default=10_000, show_default=True, type=click.IntRange(1), help="How many exchanges are kept."
)
@click.option(
    "--max-bytes", default=256 << 20, show_default=True, type=click.IntRange(1), help="Bytes of the file, about."
)
def record(
    upstream: str,
    out: Path,
    host: str,
    port: int,
    allow_host: tuple[str, ...],
    upstream_ca: str | None,
    timeout: float,
    max_body: int,
    max_entries: int,
    max_bytes: int,
) -> None:
    """Record a real foundation: a proxy in front of it, until Ctrl-C.

    Tokens and passwords pass through and are in no file. Links in answers lead back to the proxy, those of UAA too.
    It needs httpx: pip install httpx.

    \b
      mockfoundry record --upstream https://api.example.org --out real.har
      cf api http://127.0.0.1:8090
    """
    import asyncio

    try:
        from mockfoundry.recording.proxy import UpstreamError
        from mockfoundry.recording.run import RecordingSettings, read_upstream_url, record_until_told
    except ModuleNotFoundError as error:
        if error.name != "httpx":
            raise
        fail("record needs httpx, which is not installed: pip install httpx")
    from mockfoundry.recording.har import HarError
    from mockfoundry.recording.recorder import RecordingBounds
    from mockfoundry.server.run import bind_sockets, url_of_socket

    try:
        settings = RecordingSettings(
            upstream=read_upstream_url(upstream),
            out=out,
            bounds=RecordingBounds(max_body, max_entries, max_bytes),
            authority_file=upstream_ca,
            seconds=timeout,
            allowed_hosts=allow_host,
        )
    except ValueError as error:
        fail(f"--upstream: {upstream!r} is not {error}")
    try:
        bound = bind_sockets(host, port)
    except OSError as error:
        fail(f"can't listen on {host} port {port}: {error.strerror or error}; --port 0 takes a free one")
    for each in bound:
        click.get_current_context().call_on_close(each.close)
    url = url_of_socket(bound[0], None)

    def tell(origins: "Origins") -> None:
        print_text(f"mockfoundry records {settings.upstream} at {url} into {out}; Ctrl-C ends it")
        for name, origin in origins.names.items():
            print_text(f"  {origin} is at {url}/_at/{name}")

    try:
        recorder = asyncio.run(record_until_told(settings, bound, tell))
    except (UpstreamError, HarError) as error:
        fail(str(error))
    exchanges = "1 exchange" if recorder.recorded == 1 else f"{recorder.recorded} exchanges"
    print_text(f"{out}: {exchanges}")
    if left_out := recorder.describe_left_out():
        print_text(f"mockfoundry: {left_out}", error=True)
    if recorder.unwritable:
        fail(recorder.unwritable)


def read_recording(file: Path) -> "Recording":
    """The exchanges of a HAR file without secrets; ends the command where it is none."""
    from mockfoundry.recording.har import HarError
    from mockfoundry.recording.reading import read_recording_file

    try:
        with report_user_errors():
            return read_recording_file(file)
    except HarError as error:
        fail(str(error))


@click.command("seed-from")
@HAR_ARGUMENT
def seed_from(file: Path) -> None:
    """Print a seed of the world that a recording shows, as it was when that began.

    What the recording does not show has the defaults of a seed; comments at the top say what that is.

    \b
      mockfoundry seed-from real.har > seed.yaml
    """
    from mockfoundry.assembly import build_seed_world_from_text
    from mockfoundry.recording.seed_from import seed_text_from_recording

    text = seed_text_from_recording(read_recording(file), file.name)
    with report_user_errors():
        build_seed_world_from_text(text, f"the seed of {file.name}", random_seed=1, began_at=0)
    print_text(text, newline=False)


def build_options(
    seed: str | None, scenarios: tuple[str, ...], contract: Path | None, platform: str | None
) -> "ServerOptions":
    from mockfoundry.options import ServerOptions

    return ServerOptions(
        seed=seed, scenarios=scenarios, contract=None if contract is None else str(contract), platform=platform
    )


@click.command()
@HAR_ARGUMENT
@SEED_OPTION
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="NAME|FILE",
    shell_complete=complete_scenario,
    help="Played meanwhile, for failures of the recording; may be given several times.",
)
@CONTRACT_OPTION
@PLATFORM_OPTION
@click.option("--format", "form", type=FORMAT_CHOICE, default="text", help="Lines for people, or JSON.")
def compare(
    file: Path,
    seed: str | None,
    scenarios: tuple[str, ...],
    contract: Path | None,
    platform: str | None,
    form: str,
) -> None:
    """Play a recording on mockfoundry and print where the answers differ, and what the contract lacks.

    The exit code is 1 where there is a difference. It needs no server.
    """
    import msgspec

    from mockfoundry.recording.comparison import compare_recording

    recording = read_recording(file)
    with report_user_errors():
        comparison = compare_recording(recording, build_options(seed, scenarios, contract, platform), file.name)
    if form == "json":
        print_json(msgspec.to_builtins(comparison))
    else:
        print_text(render_comparison(comparison))
    if comparison.differences:
        raise SystemExit(1)


def render_comparison(comparison: "Comparison") -> str:
    """A comparison as lines for people: the differences by operation, then what was compared."""
    lines: list[str] = []
    for operation in dict.fromkeys(each.operation for each in comparison.differences):
        lines.append(operation)
        lines += [f"  {describe_difference(each)}" for each in comparison.differences if each.operation == operation]
    lines.append(f"played: {comparison.played}")
    lines += [f"not played: {times} ({reason})" for reason, times in comparison.unplayed.items()]
    if comparison.equal_by_rule:
        told = ", ".join(f"{rule} {times}" for rule, times in comparison.equal_by_rule.items())
        lines.append(f"equal by rule: {told}")
    behaviour = sum(each.of == "behaviour" for each in comparison.differences)
    lines.append(f"differences: {behaviour} in behaviour, {len(comparison.differences) - behaviour} from the contract")
    return "\n".join(lines)


def describe_difference(difference: "Difference") -> str:
    often = f" ({difference.times} times, first" if difference.times > 1 else " ("
    from_contract = "contract: " if difference.of == "contract" else ""
    first = f"#{difference.first} {difference.request})"
    return f"{difference.place}: {from_contract}{difference.text}{often}{' ' if difference.times > 1 else ''}{first}"


@click.command("scenario-from")
@HAR_ARGUMENT
@SEED_OPTION
@CONTRACT_OPTION
@PLATFORM_OPTION
def scenario_from(file: Path, seed: str | None, contract: Path | None, platform: str | None) -> None:
    """Print a scenario with the failures of a recording, so that a client meets them again.

    What mockfoundry refuses by itself is left out. The exit code is 1 where nothing is left.

    \b
      mockfoundry scenario-from real.har > seen.yaml
      mockfoundry compare real.har --scenario seen.yaml
    """
    from mockfoundry.recording.scenario_from import list_odd_statuses, scenario_from_recording

    recording = read_recording(file)
    with report_user_errors():
        scenario = scenario_from_recording(recording, build_options(seed, (), contract, platform), file.name)
    for status in list_odd_statuses(recording):
        print_text(f"mockfoundry: left out: status {status}, which no server can send", error=True)
    if scenario is None:
        fail(f"{file} has no failure that mockfoundry does not give by itself", code=1)
    print_text(scenario.to_yaml(), newline=False)
