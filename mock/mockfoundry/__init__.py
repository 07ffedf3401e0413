"""mockfoundry: a contract-driven mock of the Cloud Foundry v3 processes API that breaks on purpose."""

from typing import TYPE_CHECKING, Any

from mockfoundry.version import __version__

if TYPE_CHECKING:
    from mockfoundry.client.errors import (
        CannotBeKnownError,
        ControlError,
        ServerError,
        ServerGoneError,
        UnknownProcessError,
        VerificationError,
    )
    from mockfoundry.client.foundation import Foundation
    from mockfoundry.client.in_process import InProcess
    from mockfoundry.client.server import Server
    from mockfoundry.client.values import Audit, Coverage, Exchange, Process, Verdict
    from mockfoundry.scenarios.model import (
        PASS,
        Delay,
        Event,
        Hold,
        Lognormal,
        Respond,
        Rule,
        Scenario,
        Uniform,
        Virtual,
        When,
    )


__all__ = [
    "PASS",
    "Audit",
    "CannotBeKnownError",
    "ControlError",
    "Coverage",
    "Delay",
    "Event",
    "Exchange",
    "Foundation",
    "Hold",
    "InProcess",
    "Lognormal",
    "Process",
    "Respond",
    "Rule",
    "Scenario",
    "Server",
    "ServerError",
    "ServerGoneError",
    "Uniform",
    "UnknownProcessError",
    "Verdict",
    "VerificationError",
    "Virtual",
    "When",
    "__version__",
]

_PUBLIC_MODULES = {
    "mockfoundry.client.errors": (
        "CannotBeKnownError",
        "ControlError",
        "ServerError",
        "ServerGoneError",
        "UnknownProcessError",
        "VerificationError",
    ),
    "mockfoundry.client.foundation": ("Foundation",),
    "mockfoundry.client.in_process": ("InProcess",),
    "mockfoundry.client.server": ("Server",),
    "mockfoundry.client.values": ("Audit", "Coverage", "Exchange", "Process", "Verdict"),
    "mockfoundry.scenarios.model": (
        "PASS",
        "Delay",
        "Event",
        "Hold",
        "Lognormal",
        "Respond",
        "Rule",
        "Scenario",
        "Uniform",
        "Virtual",
        "When",
    ),
}


def __getattr__(name: str) -> Any:
    """A name of `__all__`, imported on first use, so that the import of the package costs little."""
    from importlib import import_module

    for module, names in _PUBLIC_MODULES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(module), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
