"""Keeping: a schedule written to a file, so that what broke a client once is played again. Never plays it."""

from pathlib import Path

from mockfoundry.contract import brief
from mockfoundry.scenarios import Scenario
from mockfoundry.scenarios.kinds import is_name


def keep(schedule: Scenario, folder: str | Path) -> Path:
    """Writes a schedule to `NAME.yaml` in a folder, which is made where there is none; what has the name is replaced.

    Returns:
        The file, to be played by its path.

    Raises:
        ValueError: the schedule's name can't be that of a scenario; one that was drawn has a good one.
        OSError: the file can't be written.
    """
    if not is_name(schedule.name):
        raise ValueError(
            f'keep(): "{brief(schedule.name)}" is not the name of a scenario: 1 to 64 letters, digits, -, _ or ., '
            "with a letter or digit at both ends; give it another"
        )
    file = Path(folder) / f"{schedule.name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(schedule.to_yaml(), encoding="utf-8")
    return file
