"""What is not modelled: which parts of the Cloud Controller this world does not have, and what to do instead.

Never refuses a request: it only says why there is no operation. The paths are those of cloud_controller_ng,
config/routes.rb; what has an operation in a contract is never looked up here.
"""

import re

PUSH = (
    "mockfoundry stages nothing and applies no manifest: give the app with its droplet and processes in the seed file "
    "(`apps:` of a space), or create one with POST /v3/apps and give its droplet with `given:`"
)
"""What a push is told, at the first of its calls."""

_SEGMENT = "[^/]+"

NOT_MODELLED: tuple[tuple[str, str], ...] = (
    (r"/v2", "API v2: this platform has v3 alone, as real ones have by default"),
    (r"/v3/(packages|builds|droplets|resource_matches)", f"staging: {PUSH}"),
    (r"/v3/revisions", "changes of revisions: give them in the seed file (`revisions:` of an app)"),
    (
        rf"/v3/(routes|domains|organizations/{_SEGMENT}/domains|spaces/{_SEGMENT}/routes)",
        "changes of routes and domains: give them in the seed file (`routes:` of an app)",
    ),
    (
        r"/v3/security_groups",
        "security groups but those of a space (running_security_groups, staging_security_groups): give them in the "
        "seed file (`security_groups:`)",
    ),
    (r"/v3/(organizations|spaces)", "changes of organizations and spaces: give them in the seed file, or by `given:`"),
    (r"/v3/(users|roles)", "changes of users and roles: give them in the seed file (`users:`)"),
    (r"/v3/(organization|space)_quotas", "making, deleting and applying quotas: give them in the seed file (`quota:`)"),
    (
        r"/v3/isolation_segments",
        "changes of isolation segments: give them in the seed file (`isolation_segments:`)",
    ),
    (r"/v3/(stacks|buildpacks)", "changes of stacks and buildpacks: there are those of every platform"),
    (r"/v3/service_[a-z_]+", "brokers and bindings of services, and their changes"),
    (r"/v3/environment_variable_groups", "environment variable groups"),
    (r"/v3/(app|service)_usage_events", "usage events; GET /v3/audit_events tells what was done"),
    (r"/networking|/routing", "the network policy and routing APIs"),
    (
        r"/oauth/(authorize|token/revoke)",
        "codes and revoking of tokens: log in with a password; a changed password or secret ends tokens in UAA",
    ),
    (
        r"/(Users|Groups|oauth/clients|identity-providers)",
        "this part of UAA: users and clients are given in the seed file",
    ),
)
"""What paths begin with, whole segments, and what they are about; the first that fits decides."""

_PATTERNS = tuple((re.compile(f"(?:{pattern})(?:/.*)?"), text) for pattern, text in NOT_MODELLED)


def describe_not_modelled(path: str) -> str:
    """What of the platform that has this path is not modelled, and what to do instead; empty where nothing is known.

    Args:
        path: without a foundation's prefix and without a query.
    """
    cut = path.rstrip("/") or "/"
    return next((text for pattern, text in _PATTERNS if pattern.fullmatch(cut)), "")
