"""Finding a process in a foundation's state, by names that people use. Never asks for the state."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from mockfoundry.client.errors import UnknownProcessError
from mockfoundry.client.values import Process

MOST_TOLD = 20


def found_process(state: Mapping[str, Any], app: str, type_: str, space: str, organization: str) -> Process:
    """The process of a type in an app.

    Args:
        state: a seed's value.
        space, organization: names; empty for any.

    Raises:
        UnknownProcessError: there is none, or there are several.
    """
    every = list(processes(state))
    found = [
        each
        for each in every
        if (each["app"], each["type"]) == (app, type_)
        and space in ("", each["space"])
        and organization in ("", each["organization"])
    ]
    if len(found) == 1:
        return msgspec.convert(found[0], Process)
    asked = f"process {type_} of app {app}{f' in space {space}' if space else ''}"
    asked += f" of organization {organization}" if organization else ""
    if found:
        raise UnknownProcessError(
            f"{asked}: there are {len(found)}: {listed(found)}; say which by space= and organization="
        )
    if not every:
        raise UnknownProcessError(f"{asked}: the foundation has no process at all; give it a seed that has one")
    raise UnknownProcessError(
        f"{asked}: there is none; there are {listed(every)}; name one of them, or give the foundation another seed"
    )


def processes(state: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every process of a seed's value, with the names of what it belongs to."""
    for organization in state.get("organizations", ()):
        for space in organization.get("spaces", ()):
            for app in space.get("apps", ()):
                for process in app.get("processes", ()):
                    yield {
                        **process,
                        "app": app["name"],
                        "app_guid": app["guid"],
                        "app_state": app["state"],
                        "space": space["name"],
                        "organization": organization["name"],
                    }


def listed(found: list[dict[str, Any]]) -> str:
    """Processes by their names, the first of them where there are many."""
    names = [f"{each['organization']}/{each['space']}/{each['app']} {each['type']}" for each in found[:MOST_TOLD]]
    more = len(found) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
