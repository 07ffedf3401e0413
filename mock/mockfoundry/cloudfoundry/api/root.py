"""Root documents: where the APIs of the platform are, and which version they have. Never needs a token.

Source: cloud_controller_ng, app/controllers/runtime/root_controller.rb.
"""

from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse
from mockfoundry.cloudfoundry.model import User
from mockfoundry.cloudfoundry.world import World

API_VERSION = "3.228.0"


def get_root(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """The addresses of the APIs; those that this platform does not have are null."""
    base = request.base
    links = {
        "self": {"href": base},
        "cloud_controller_v3": {"href": f"{base}/v3", "meta": {"version": API_VERSION}},
        "network_policy_v0": None,
        "network_policy_v1": None,
        "login": {"href": base},
        "uaa": {"href": base},
        "credhub": None,
        "routing": None,
        "logging": None,
        "log_cache": None,
        "log_stream": None,
        "app_ssh": None,
    }
    return ApiResponse(200, {"links": links}, "world: the root document")
