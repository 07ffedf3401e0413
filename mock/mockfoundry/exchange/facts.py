"""Facts: which process a request is about, for rules that ask. Looks them up, and decides nothing."""

from collections.abc import Container, Mapping
from types import MappingProxyType

from mockfoundry.cloudfoundry.world import World
from mockfoundry.scenarios.conditions import is_about_one_process
from mockfoundry.scenarios.engine import shorten_count_key

NO_PROCESS: Mapping[str, str] = MappingProxyType({})
"""The facts of a request that is about no process, or about one that does not exist."""


def find_process_facts(world: World, template: str, path: Mapping[str, str]) -> Mapping[str, str]:
    """What conditions may ask of the process that a path names, directly or for an app.

    Args:
        template: the path's, with names in place of parameters.
        path: its parameters, decoded.
    """
    if not is_about_one_process(template):
        return NO_PROCESS
    guid, process_type = path.get("guid", ""), path.get("type")
    process = world.processes.get(guid) if process_type is None else world.find_app_process(guid, process_type)
    if process is None:
        return NO_PROCESS
    app = world.apps[process.app]
    space = world.spaces[app.space]
    organization = world.organizations[space.organization]
    return {"type": process.type, "app": app.name, "space": space.name, "organization": organization.name}


def find_process_key(world: World, operations: Container[str], operation: str, path: Mapping[str, str]) -> str:
    """What a rule that counts for each process counts by; empty where the request names none that exists.

    The guid of the process that the path names, directly or for an app; that of the app in the path of a list. What
    does not exist is counted together, or made-up guids would each be remembered. Of an operation that the world does
    not have, nothing is known but its path: the guid there, and the type.

    Args:
        operations: those that the world has.
        path: its parameters, decoded.
    """
    process_type, guid = path.get("type"), path.get("guid", "")
    if operation not in operations:
        return shorten_count_key(guid if process_type is None else f"{guid}/{process_type}")
    if process_type is None:
        return guid if guid in world.processes or guid in world.apps else ""
    process = world.find_app_process(guid, process_type)
    return "" if process is None else process.guid
