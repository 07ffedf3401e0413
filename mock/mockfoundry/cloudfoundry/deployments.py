"""Deployments: one in flight goes on with the clock, and ends by itself. Nothing ticks: it is settled when looked at.

Source: cloud_controller_ng, app/models/runtime/deployment_model.rb and lib/cloud_controller/deployment_updater/.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.chance import named_guid
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.entities import App, Deployment, DeploymentState
from mockfoundry.cloudfoundry.world import World

IN_FLIGHT = ("DEPLOYING", "PREPAUSED", "PAUSED")
"""While its state is one of these, the web processes of the app are not to be scaled or updated."""

_STATES: Mapping[str, DeploymentState] = {"DEPLOYING": "DEPLOYING", "PAUSED": "PAUSED", "CANCELING": "CANCELING"}


def in_flight(app: App) -> bool:
    """Whether a deployment of the app is in flight; one that is being canceled is not [deployment_model.rb]."""
    return app.deployment is not None and app.deployment.state in IN_FLIGHT


def begin_deployment(world: World, app: str, now: int, fields: Mapping[str, Any]) -> None:
    """Puts a deployment of an app in flight.

    Args:
        fields: as a seed gives them; `seconds` is how long it takes, in microseconds, None for one without an end.
    """
    usual = int(world.settings.deployment_seconds * SECOND)
    deployment = Deployment(
        guid=fields.get("guid") or named_guid(world.seed, "deployment", app, world.next_nonce()),
        strategy=fields.get("strategy", "rolling"),
        state=_STATES[fields.get("reason", "DEPLOYING")],
        started_at=fields.get("created_at", now),
        changed_at=fields.get("created_at", now),
        duration=fields.get("seconds", usual),
    )
    world.put_app(msgspec.structs.replace(world.apps[app], deployment=deployment))


def settle(world: World, now: int) -> None:
    """Brings every deployment to where it is at this moment."""
    for guid in sorted(world.deploying):
        app = world.apps[guid]
        deployment = app.deployment
        if deployment is None or deployment.duration is None or deployment.state == "PAUSED":
            continue
        ends = deployment.started_at + deployment.duration
        if now < ends:
            continue
        state: DeploymentState = "CANCELED" if deployment.state == "CANCELING" else "DEPLOYED"
        ended = msgspec.structs.replace(deployment, state=state, changed_at=ends)
        world.put_app(msgspec.structs.replace(app, deployment=ended))
