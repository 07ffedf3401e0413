"""UAA's operations: one table of what each does, by one plain function each. Never knows HTTP."""

from collections.abc import Callable, Mapping

from mockfoundry.cloudfoundry.uaa.clients import authenticate_client
from mockfoundry.cloudfoundry.uaa.documents import (
    show_login,
    show_openid_configuration,
    show_token_key,
    show_token_keys,
)
from mockfoundry.cloudfoundry.uaa.grants import issue_token
from mockfoundry.cloudfoundry.uaa.request import UaaRefusal, UaaRequest, UaaResponse, refuse_by_controller
from mockfoundry.cloudfoundry.uaa.token_readers import check_token, introspect_token, show_user_info

UAA_ENVELOPE = "uaa"
"""What marks UAA's operations in a contract (`x-error-envelope`)."""

UaaOperation = Callable[[UaaRequest], UaaResponse]
"""Answers a request; raises UaaRefusal where UAA refuses it."""

UAA_OPERATIONS: Mapping[str, UaaOperation] = {
    "getLogin": show_login,
    "getLoginInfo": show_login,
    "issueToken": issue_token,
    "issueTokenByQuery": issue_token,
    "getTokenKeys": show_token_keys,
    "getTokenKey": show_token_key,
    "getUserInfo": show_user_info,
    "introspectToken": introspect_token,
    "checkToken": check_token,
    "checkTokenByQuery": check_token,
    "getOpenidConfiguration": show_openid_configuration,
    "getOpenidConfigurationOfIssuer": show_openid_configuration,
}
"""By operationId. One that a contract marks as UAA's and that is not here is served from its examples."""

LOG_IN_OPERATIONS = frozenset({"issueToken", "issueTokenByQuery"})
"""Those that may make a foundation on purpose."""

CLIENT_OPERATIONS = LOG_IN_OPERATIONS | {"introspectToken", "checkToken", "checkTokenByQuery"}
"""Those whose client is asked for before anything else."""


def refuse_method(method: str) -> UaaRefusal:
    return refuse_by_controller(
        405, "method_not_allowed", f"Request method '{method}' is not supported", f"UAA has no {method} of this path"
    )


def answer_other_method(method: str, operation: str, request: UaaRequest) -> UaaResponse:
    """Refuses a method that a path does not have, once the client is known where one is needed.

    Args:
        operation: that the path has with another method.

    Raises:
        UaaRefusal: always.
    """
    if operation in CLIENT_OPERATIONS:
        authenticate_client(request)
    raise refuse_method(method)
