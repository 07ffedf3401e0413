"""Watching: the seed and the scenario files of the start, read anew when they change. Never changes a world in use.

What is read anew is for foundations made from then on, and for resets. A scenario that changed begins anew where it is
on. Files are looked at by their paths, since editors replace them.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from mockfoundry.assembly import NamedScenarios, build_seed_world, load_start_scenarios
from mockfoundry.cloudfoundry.world import World
from mockfoundry.contract.load import Contract
from mockfoundry.documents.files import list_document_files
from mockfoundry.documents.problems import DocumentError
from mockfoundry.exchange.run import Service
from mockfoundry.foundations.effects import begin_in_its_place
from mockfoundry.options import ServerOptions
from mockfoundry.scenarios.rule_index import CompiledScenarios
from mockfoundry.shipped import list_library_files

POLL_SECONDS = 0.5
"""How often the files are looked at."""

log = logging.getLogger("mockfoundry")


FileStamp = tuple[int, int, int]
"""When a file was modified, its size and its inode: together they tell that it was written to, or replaced."""


class ReadFiles(NamedTuple):
    """What the files hold: what each foundation begins as, and with."""

    world: World
    scenarios: CompiledScenarios


def list_watched_paths(options: ServerOptions) -> list[Path]:
    """The files and folders that a server's seed and scenarios are read from."""
    library = list_library_files()
    named = [options.seed, *(each for each in options.scenarios if each not in library)]
    return [Path(each) for each in named if isinstance(each, str)]


def stamp_files(paths: Iterable[Path]) -> dict[Path, FileStamp]:
    """The stamps of files and of the files of folders; what is not there has none."""
    stamps: dict[Path, FileStamp] = {}
    for path in paths:
        try:
            for file in list_document_files(path) if path.is_dir() else [path]:
                found = file.stat()
                stamps[file] = found.st_mtime_ns, found.st_size, found.st_ino
        except OSError:
            continue
    return stamps


class FileWatcher:
    """Looks at the files of a server's options, and reads them anew when they have changed.

    A change is read one look after it was seen, when nothing more has changed, so that no half of a file is read.

    Args:
        options: what the server was started with.
        contract: everything that the server serves; scenarios are checked against it.
        world: what was read of the seed at the start.
        apply: takes what was read.
        tell: takes lines for the user.
        read_clock: gives microseconds of the machine's clock.
    """

    def __init__(
        self,
        options: ServerOptions,
        contract: Contract,
        world: World,
        apply: Callable[[ReadFiles], None],
        tell: Callable[[str], None],
        read_clock: Callable[[], int],
    ) -> None:
        self._options = options
        self._contract = contract
        self._world = world
        self._apply = apply
        self._tell = tell
        self._read_clock = read_clock
        self._seed_file = Path(options.seed) if isinstance(options.seed, str) else None
        self._paths = list_watched_paths(options)
        self._seen = self._handled = self._read = stamp_files(self._paths)

    def look(self) -> None:
        """Looks once. To be called again and again, in one thread."""
        stamps = stamp_files(self._paths)
        has_settled, self._seen = stamps == self._seen, stamps
        if stamps == self._handled or not has_settled:
            return
        self._handled = stamps
        gone = self._read.keys() - stamps.keys()
        missing = sorted(str(path) for path in self._paths if path in gone or not path.exists())
        if missing:
            self._tell(f"{', '.join(missing)}: can't be found any more; what was read stays, until it is there again")
            return
        # A file of a folder may go; one that was named may not.
        changed = sorted(str(path) for path in {*stamps, *gone} if self._read.get(path) != stamps.get(path))
        if not changed:
            self._tell("the files are again as they were read")
            return
        try:
            read = self._read_files(stamps)
        except DocumentError as error:
            self._tell(f"{error}\nwhat was read before stays")
        except OSError as error:
            self._tell(f"{error.filename}: can't be read: {error.strerror}; what was read before stays")
        else:
            self._read, self._world = stamps, read.world
            self._apply(read)
            self._tell(f"read anew: {', '.join(changed)}")

    def _read_files(self, stamps: dict[Path, FileStamp]) -> ReadFiles:
        now, seed, world = self._read_clock(), self._seed_file, self._world
        if seed is not None and stamps.get(seed) != self._read.get(seed):
            world = build_seed_world(self._options, now)
        scenarios = load_start_scenarios(self._options, self._contract, world, now)
        return ReadFiles(world, CompiledScenarios(scenarios))


def use_files(service: Service, read: ReadFiles, real_time: int, tell: Callable[[str], None]) -> None:
    """Has foundations begin with what was read; where a scenario is on that has changed, the new one begins.

    One that a test has put there under the same name stays. To be called where exchanges are made.

    Args:
        tell: takes a line for each foundation whose world does not have what a new scenario changes in it.
    """
    registry = service.registry
    before = {each.name: each for each in registry.initial_scenarios.scenarios}
    changed = [each for each in read.scenarios.compiled if before.get(each.scenario.name) != each.scenario]
    registry.replace_beginning(read.world, read.scenarios)
    if isinstance(service.named_scenarios, NamedScenarios):
        service.named_scenarios.replace(read.scenarios)
    for foundation in registry:
        playing = {each.name: each for each in foundation.compiled_scenarios.scenarios}
        for each in changed:
            name = each.scenario.name
            if name in before and playing.get(name) == before[name]:
                try:
                    begin_in_its_place(foundation, each, foundation.world.clock.now(real_time))
                except DocumentError as error:
                    tell(f"foundation {foundation.name}: scenario {name} stays as it was: {error}")


def watch_in_thread(watcher: FileWatcher) -> Callable[[], None]:
    """Has a watcher look twice a second, in a thread of its own; what is returned ends that."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(POLL_SECONDS):
            try:
                watcher.look()
            except Exception:
                log.exception("mockfoundry failed to read files anew")

    threading.Thread(target=watch, name="mockfoundry-watcher", daemon=True).start()
    return ended.set
