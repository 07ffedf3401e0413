"""Health: whether the server is ready, and what it serves."""

from collections.abc import Callable
from typing import Any

from mockfoundry.exchange import Service
from mockfoundry.version import __version__


def health_handler(service: Service) -> Callable[[], dict[str, Any]]:
    """The handler of `GET /__mock/health`."""
    contract = service.contract

    def show_health() -> dict[str, Any]:
        return {
            "status": "ready",
            "version": __version__,
            "mode": "stateful" if service.operations else "canned",
            "contract": {"title": contract.title, "version": contract.version, "operations": len(contract.plans)},
        }

    return show_health
