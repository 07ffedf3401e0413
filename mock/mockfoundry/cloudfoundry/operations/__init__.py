"""Operations: what each operation of the contract does, one plain function each. Never knows HTTP."""

from collections.abc import Callable, Mapping

from mockfoundry.cloudfoundry.calls import Answer, Call
from mockfoundry.cloudfoundry.operations.listing import list_processes, list_processes_for_app
from mockfoundry.cloudfoundry.operations.reading import get_process, get_process_instances, get_process_stats
from mockfoundry.cloudfoundry.operations.scaling import scale_process
from mockfoundry.cloudfoundry.operations.terminating import terminate_process_instance
from mockfoundry.cloudfoundry.operations.updating import update_process
from mockfoundry.cloudfoundry.world import User, World

Operation = Callable[[World, User, Call], Answer]

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
"""By operationId; an operation of a contract that is not here is served from its examples."""

__all__ = ["OPERATIONS", "Operation"]
