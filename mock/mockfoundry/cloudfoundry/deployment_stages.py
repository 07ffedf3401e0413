"""Stages of deployments: how many instances the web processes have at each, from the deployment alone. Moves none.

Source: cloud_controller_ng, app/models/runtime/deployment_model.rb and lib/cloud_controller/deployment_updater/.
"""

from typing import NamedTuple

from mockfoundry.cloudfoundry.model import Deployment, DeploymentState

MAX_STAGES = 10
"""In how many stages a deployment moves at most, however many instances there are."""


class WebCounts(NamedTuple):
    """How many instances the newest web process of an app has, and the older ones together."""

    newer: int
    older: int


def moving_state_of(deployment: Deployment) -> DeploymentState:
    """What the Cloud Controller calls a deployment that moves: to a pause, or to its end."""
    return "PREPAUSED" if deployment.step <= deployment.pauses else "DEPLOYING"


def compute_move_duration(deployment: Deployment) -> int | None:
    """How long each move of a deployment takes, in microseconds; a canary moves once more than it pauses."""
    return None if deployment.duration is None else deployment.duration // (deployment.pauses + 1)


def count_at_pause(deployment: Deployment, step: int) -> WebCounts:
    """How many instances the web processes have in a pause of a canary; before the first one only the older have any.

    Args:
        step: from 0, which is before the first.
    """
    had = deployment.instances
    if step == 0:
        return WebCounts(0, had)
    if not deployment.weights:
        return WebCounts(1, had)
    weight, total = deployment.weights[step - 1], min(had, deployment.wanted)
    # The share of all, a half rounded up, and at least one [app/models/runtime/deployment_model.rb].
    canary = max(1, (2 * total * weight + 100) // 200)
    return WebCounts(canary, 0 if weight == 100 else total - canary + 1)


def find_move(deployment: Deployment) -> tuple[WebCounts, WebCounts]:
    """From which counts a deployment moves to which."""
    if deployment.strategy == "recreate":
        return WebCounts(deployment.wanted, 0), WebCounts(deployment.wanted, 0)
    before = count_at_pause(deployment, min(deployment.step, deployment.pauses + 1) - 1)
    if deployment.step > deployment.pauses:
        return before, WebCounts(deployment.wanted, 0)
    return before, count_at_pause(deployment, deployment.step)


def count_stages(deployment: Deployment) -> int:
    """In how many stages a deployment moves; one that is canceled stands still until it is over."""
    if deployment.state == "CANCELING":
        return 1
    before, after = find_move(deployment)
    return max(1, min(-((before.newer - after.newer) // deployment.max_in_flight), MAX_STAGES))


def instances_at_stage(deployment: Deployment) -> WebCounts:
    """How many instances the web processes have at a stage: the newer is a stage ahead of the older."""
    before, after = find_move(deployment)
    newer = count_new_at_stage(deployment, deployment.stage)
    if not deployment.stage:
        return WebCounts(newer, before.older)
    # As many as are wanted in all, less those that run by now.
    return WebCounts(newer, max(0, after.newer + after.older - count_new_at_stage(deployment, deployment.stage - 1)))


def count_new_at_stage(deployment: Deployment, stage: int) -> int:
    """How many instances the newer web process has at a stage: so many more at each as may start together."""
    before, after = find_move(deployment)
    more, stages = after.newer - before.newer, count_stages(deployment)
    if stage >= stages:
        return after.newer
    most = deployment.max_in_flight * (stage + 1)
    # Of many instances more are started together, except the very first.
    return before.newer + min(more, most if stage == 0 else max(most, -(-more * (stage + 1) // stages)))
