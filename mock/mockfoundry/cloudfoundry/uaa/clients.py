"""UAA's clients: which there are, and whether a request comes from one. Never makes a token.

Source: cloudfoundry/uaa, authentication/ClientDetailsAuthenticationProvider.java and
authentication/ClientBasicAuthenticationFilter.java; cf-deployment for the client `cf`.
"""

import re
from base64 import b64decode
from urllib.parse import unquote_plus

from mockfoundry.cloudfoundry.uaa.names import read_client_name
from mockfoundry.cloudfoundry.uaa.request import UaaRequest, refuse_credentials, refuse_entry
from mockfoundry.cloudfoundry.users import OauthClient
from mockfoundry.cloudfoundry.world import World

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

CF_CLIENT = OauthClient(
    id="cf",
    scopes=(
        "cloud_controller.read",
        "cloud_controller.write",
        "cloud_controller.admin",
        "cloud_controller.admin_read_only",
        "cloud_controller.global_auditor",
        "openid",
        "password.write",
        "scim.read",
        "scim.write",
        "doppler.firehose",
        "uaa.user",
        "network.admin",
        "network.write",
        "routing.router_groups.read",
        "routing.router_groups.write",
        "perm.admin",
        "clients.read",
    ),
    grants=("password", "refresh_token", JWT_BEARER),
)
"""The client of command lines and libraries: its secret is empty, and everybody has it."""

NO_CLIENT = "An Authentication object was not found in the SecurityContext"

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def find_client(world: World, name: str) -> OauthClient | None:
    """The client of that id, None if there is none."""
    return world.clients.get(name) or (CF_CLIENT if name == CF_CLIENT.id else None)


def authenticate_client(request: UaaRequest) -> OauthClient:
    """The client that a request comes from: by Basic, or by the parameters where there is no Authorization.

    Raises:
        UaaRefusal: 401, there is none, or its secret is another.
    """
    if request.authorization[:6].lower() == "basic ":
        return check_client(request, *read_basic_credentials(request.authorization[6:]))
    if request.authorization or not (request.has_form or "client_id" in request.parameters):
        raise refuse_entry(NO_CLIENT, "no client: send its id and secret by Basic, as in `cf:`, or in the form")
    if "client_id" not in request.parameters:
        raise refuse_credentials("no client: send its id and secret by Basic, as in `cf:`, or in the form")
    return check_client(request, request.parameter("client_id"), request.parameters.get("client_secret"))


def read_basic_credentials(text: str) -> tuple[str, str]:
    """The id and the secret of a client.

    Args:
        text: what comes behind `Basic `.

    Raises:
        UaaRefusal: 401, it can't be read.
    """
    try:
        decoded = b64decode(text.strip() + "=" * (-len(text.strip()) % 4), validate=True).decode()
    except ValueError:
        raise refuse_credentials("Basic: not base64", "Failed to decode basic authentication token") from None
    name, colon, secret = decoded.partition(":")
    if not colon:
        raise refuse_credentials("Basic: no colon in it", "Invalid basic authentication token")
    if _BAD_ESCAPE.search(decoded):
        raise refuse_credentials("Basic: a percent sign that begins no escape", "Failed to URL Decode credentials")
    return unquote_plus(name), unquote_plus(secret)


def check_client(request: UaaRequest, name: str, secret: str | None) -> OauthClient:
    """The client of that id, if that is its secret.

    Args:
        secret: None where none was sent, which is not the same as an empty one.

    Raises:
        UaaRefusal: 401, it is not.
    """
    reading = read_client_name(request, name)
    client = find_client(request.world, reading.known)
    if client is None:
        raise refuse_credentials(reading.why)
    if secret is None:
        raise refuse_credentials(f"client {client.id} sent no client_secret; one that is empty is sent as an empty one")
    if secret != client.secret:
        raise refuse_credentials(f"client {client.id} has another secret")
    return client
