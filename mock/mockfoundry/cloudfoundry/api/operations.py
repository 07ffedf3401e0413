"""Operations: one table of what each operation of the processes does, by one plain function each. Never knows HTTP.

Those of the platform stand in a table of their own, which is imported when a client first calls one of them: it needs
many rooms, and a start should be short.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mockfoundry.cloudfoundry.api.access import find_managed_process
from mockfoundry.cloudfoundry.api.messages import read_scale_message, read_update_message
from mockfoundry.cloudfoundry.api.processes.process_list import list_processes, list_processes_for_app
from mockfoundry.cloudfoundry.api.processes.processes import (
    find_managed_instance,
    get_process,
    get_process_instances,
    get_process_stats,
    scale_process,
    terminate_process_instance,
    update_process,
)
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

Operation = Callable[[World, User, ApiRequest], ApiResponse | LateResponse]

OPERATIONS: Mapping[str, Operation] = {
    "listProcesses": list_processes,
    "getProcess": get_process,
    "updateProcess": update_process,
    "getProcessStats": get_process_stats,
    "getProcessInstances": get_process_instances,
    "scaleProcess": scale_process,
    "terminateProcessInstance": terminate_process_instance,
    "listProcessesForApp": list_processes_for_app,
    "getProcessForApp": get_process,
    "updateProcessForApp": update_process,
    "getProcessStatsForApp": get_process_stats,
    "scaleProcessForApp": scale_process,
    "terminateProcessInstanceForApp": terminate_process_instance,
}
"""Of the processes, by operationId. An operation of a contract that is not here is served from its examples."""

Lookup = Callable[[World, User, ApiRequest], object]
"""Finds what an operation is about, and whether its actor may do that; raises the Refusal that the operation would."""

LOOKUPS: Mapping[str, Lookup] = {
    "updateProcess": find_managed_process,
    "updateProcessForApp": find_managed_process,
    "scaleProcess": find_managed_process,
    "scaleProcessForApp": find_managed_process,
    "terminateProcessInstance": find_managed_instance,
    "terminateProcessInstanceForApp": find_managed_instance,
}
"""What an operation that writes looks for before it does anything. One that only reads is its own lookup."""

MESSAGES: Mapping[str, Callable[[ApiRequest], Any]] = {
    "updateProcess": read_update_message,
    "updateProcessForApp": read_update_message,
    "scaleProcess": read_scale_message,
    "scaleProcessForApp": read_scale_message,
}
"""What reads the body of an operation. It looks at the request alone, so a large body is read before the exchange."""


def run_platform_operation(name: str, world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """What an operation of the platform does.

    Args:
        name: its operationId in the shipped contract.
    """
    from mockfoundry.cloudfoundry.api.platform_operations import PLATFORM_OPERATIONS

    return PLATFORM_OPERATIONS[name](world, actor, request)


def find_lookup(name: str) -> Lookup | None:
    """What an operation that writes looks for, of any contract that ships; None for one whose path names nothing."""
    lookup = LOOKUPS.get(name)
    if lookup is not None:
        return lookup
    from mockfoundry.cloudfoundry.api.platform_operations import PLATFORM_LOOKUPS

    return PLATFORM_LOOKUPS.get(name)


def find_message_reader(name: str) -> Callable[[ApiRequest], Any] | None:
    """What reads the body of an operation of any contract that ships; None for one whose body is never large."""
    reader = MESSAGES.get(name)
    if reader is not None:
        return reader
    from mockfoundry.cloudfoundry.api.platform_operations import PLATFORM_MESSAGES

    return PLATFORM_MESSAGES.get(name)
