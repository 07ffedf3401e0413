"""What is refused because it is not modelled, in words that its user reads. Changes nothing.

Source: cloud_controller_ng, app/controllers/v3/space_manifests_controller.rb, packages_controller.rb and
builds_controller.rb; cli, actor/v7pushaction/.
"""

from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse
from mockfoundry.cloudfoundry.errors import UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.model import User
from mockfoundry.cloudfoundry.not_modelled import PUSH
from mockfoundry.cloudfoundry.world import World


def refuse_push(_world: World, _actor: User, _request: ApiRequest) -> ApiResponse:
    """A push ends here: what it would need is not modelled, and its user reads what to do instead."""
    raise Refusal(UNPROCESSABLE_ENTITY, PUSH, f"not modelled: {PUSH}")
