"""`mockfoundry torture`: which failures break a command. Never runs one itself."""

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from mockfoundry.cli.connecting import TOKEN_OPTION
from mockfoundry.cli.durations import duration_option
from mockfoundry.cli.errors import fail, report_user_errors
from mockfoundry.cli.files import CONTRACT_OPTION
from mockfoundry.cli.printing import INTERRUPTED_EXIT_CODE, print_text, show_progress
from mockfoundry.options import LARGEST_RANDOM_SEED, LEAST_RANDOM_SEED
from mockfoundry.wire_faults import INSTANT_FAULT_NAMES, WIRE_FAULT_NAMES

if TYPE_CHECKING:
    from mockfoundry.torture.torture import TortureReport
    from mockfoundry.torture.trials import TortureSettings


SLOW_FAULTS = [name for name in WIRE_FAULT_NAMES if name not in INSTANT_FAULT_NAMES]
PHASES = ("before", "after")


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--url", default=None, help="A server that is already running; by default one is started.")
@TOKEN_OPTION
@CONTRACT_OPTION
@click.option("--seed", type=click.Path(path_type=Path), help="Seed file (YAML or JSON): what each run begins with.")
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="NAME|FILE",
    help="Also played in every run; may be given several times.",
)
@click.option(
    "--random-seed",
    type=click.IntRange(LEAST_RANDOM_SEED, LARGEST_RANDOM_SEED),
    help="What guids and chance follow from; 1 by default, or the number of the server at --url.",
)
@click.option("--operation", "operations", multiple=True, help="Only this operation fails; may be given several times.")
@click.option(
    "--status", "statuses", multiple=True, type=int, help="Only this status comes; may be given several times."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=click.Choice(WIRE_FAULT_NAMES),
    help="Only this fault comes; may be given several times. With --status too, both come. "
    f"{' and '.join(SLOW_FAULTS)} come only when they are named.",
)
@click.option("--phase", type=click.Choice(PHASES), help="Only failures before, or only after, the change is kept.")
@click.option(
    "--max-calls",
    default=5,
    type=click.IntRange(1),
    show_default=True,
    help="How many calls of each operation are made to fail.",
)
@click.option(
    "--pairs",
    is_flag=True,
    help="Afterwards try pairs of failures that are survived alone; the second may hit a repeat.",
)
@click.option(
    "--max-pairs", default=500, type=click.IntRange(1), show_default=True, help="How many pairs to try at most."
)
@click.option(
    "--jobs", type=click.IntRange(1, 256), help="How many runs at a time; by default as many as there are processors."
)
@duration_option("--timeout", "30s", "How long a run may take; a bare number is seconds.", 86_400, takes_none=False)
@click.option("--strict", is_flag=True, help="Failing cleanly counts as broken too.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="For people, or JSON.")
@click.option(
    "--junit", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write JUnit XML to this file too."
)
@click.option(
    "--keep",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write each failure that breaks the command to this folder, as a scenario to be played again.",
)
def torture(
    command: tuple[str, ...],
    url: str | None,
    control_token: str,
    contract: Path | None,
    seed: Path | None,
    scenarios: tuple[str, ...],
    random_seed: int | None,
    operations: tuple[str, ...],
    statuses: tuple[int, ...],
    faults: tuple[str, ...],
    phase: str | None,
    max_calls: int,
    pairs: bool,
    max_pairs: int,
    jobs: int | None,
    timeout: float,
    strict: bool,
    form: str,
    junit: Path | None,
    folder: Path | None,
) -> None:
    """Run COMMAND once for each single failure that it can meet, and say which break it.

    COMMAND finds three values in its environment: the API's address as MOCKFOUNDRY_URL, an admin's token as
    MOCKFOUNDRY_TOKEN, and the foundation's name as MOCKFOUNDRY_FOUNDATION. In its arguments, {url} and {token} are
    replaced by the first two.

    COMMAND is first run twice without any failure. Both runs must succeed. What differs between their results is left
    out of every comparison. Then each call that it made is made to fail in every documented way. Each of these failures
    has its own run, with its own world:

    \b
      survived        exit code 0, and the world is as after the clean run
      failed cleanly  another exit code, and the world is as at the beginning, or as after the clean run
      failed halfway  another exit code, and the world is neither: something was left behind
      false success   exit code 0, but the world is not as after the clean run: scaled twice, or not at all
      timed out       not finished in time; it was ended, with everything that it had started

    The last three count as broken. With --strict, failing cleanly does too. The exit code is 0 if nothing broke it, 1
    if something did, 2 if COMMAND could not be tried or has switched off the scenarios that were played, and 130 if
    the torture was interrupted.

    \b
      mockfoundry torture -- python client.py --api {url}
      mockfoundry torture --operation scaleProcess --status 409 --fault reset -- ./deploy.sh
    """
    from mockfoundry.torture.report import render_junit, render_torture_json, render_torture_text, write_schedules
    from mockfoundry.torture.runs import LEAVE_ALONE, SWITCHED_OFF
    from mockfoundry.torture.trials import TortureSettings

    # A signal from a CI server or a closing terminal ends the runs as Ctrl-C does, unless nohup makes it ignored.
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, raise_interrupt)
    settings = TortureSettings(
        command=command,
        seed=seed,
        random_seed=random_seed,
        scenarios=scenarios,
        operations=operations,
        statuses=statuses,
        faults=faults,
        phases=PHASES if phase is None else (phase,),
        max_calls=max_calls,
        jobs=jobs or os.cpu_count() or 1,
        timeout=timeout,
        pairs=pairs,
        max_pairs=max_pairs,
    )
    must_be_writable(junit, folder)
    try:
        report = run_torture(settings, url, control_token, contract)
    except KeyboardInterrupt:
        fail("interrupted before the clean runs were over", INTERRUPTED_EXIT_CODE)
    print_text(render_torture_json(report, strict) if form == "json" else render_torture_text(report, strict, timeout))
    broken = report.list_broken(strict)
    try:
        if junit is not None:
            junit.write_bytes(render_junit(report, command, strict, timeout))
        if folder is not None:
            write_schedules(broken, folder)
    except OSError as error:
        fail(f"{error.filename}: can't be written: {error.strerror or error}")
    if report.interrupted:
        raise SystemExit(INTERRUPTED_EXIT_CODE)
    if off := report.list_switched_off():
        fail(f"{SWITCHED_OFF}, in {len(off)} of {len(report.findings)} runs; {LEAVE_ALONE}")
    if broken:
        raise SystemExit(1)


def raise_interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def must_be_writable(junit: Path | None, folder: Path | None) -> None:
    """Ends the command at once where its results could not be written at its end."""
    try:
        if junit is not None and not os.access(junit.parent, os.W_OK):
            fail(f"--junit: {junit.parent} is not a folder that can be written to; make it, or name another")
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"--keep: {error.filename}: can't be made: {error.strerror or error}; name another folder")


def run_torture(
    settings: "TortureSettings", url: str | None, control_token: str, document: Path | None
) -> "TortureReport":
    """The report of a torture on a server that is running, or on one that is started for it."""
    from dataclasses import replace

    from mockfoundry import shipped
    from mockfoundry.client.errors import ControlError, ServerError
    from mockfoundry.client.server import Server
    from mockfoundry.contract.load import join_contracts, load_contract
    from mockfoundry.torture.torture import torture_command
    from mockfoundry.torture.trials import TortureError

    with report_user_errors():
        contract = load_contract(document or shipped.CONTRACT_FILE)
        if document is None and any(each not in contract.plans for each in settings.operations):
            # Only the processes' operations fail, unless others are named.
            contract = join_contracts(contract, load_contract(shipped.PLATFORM_CONTRACT_FILE))
        must_not_be_empty(settings)
        try:
            if url is not None:
                if settings.random_seed is not None and settings.seed is None:
                    fail("--random-seed: the world of the server at --url is made already; give --seed with it")
                server = Server.connect(url, control_token, mend="start it, or say by --url where it is")
                return torture_command(server, contract, settings, show_progress)
            number = 1 if settings.random_seed is None else settings.random_seed
            with Server(settings.seed, random_seed=number, contract=document) as server:
                return torture_command(server, contract, replace(settings, seed=None), show_progress)
        except (TortureError, ControlError, ServerError) as error:
            fail(str(error))


def must_not_be_empty(settings: "TortureSettings") -> None:
    """Ends the command where the seed or a scenario is empty.

    Raises:
        OSError, UnicodeDecodeError: a file can't be read.
    """
    from mockfoundry.client.arguments import load_scenario_document, load_seed_document

    try:
        if settings.seed is not None:
            load_seed_document(settings.seed)
        for each in settings.scenarios:
            load_scenario_document(each)
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        fail(str(error))
