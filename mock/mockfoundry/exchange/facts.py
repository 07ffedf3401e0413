"""Facts: which process a request is about, for rules that ask. Looks them up, and decides nothing."""

from collections.abc import Mapping
from types import MappingProxyType

from mockfoundry.cloudfoundry.world import World
from mockfoundry.scenarios.conditions import is_about_one_process

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
