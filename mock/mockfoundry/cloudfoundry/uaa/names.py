"""Names that log in: what `alice@ci-42` means, a user of that name, or alice of the foundation ci-42. Never logs in.

A client that can set neither a path nor a header says in the name of its user, or in its own, which foundation it
means. Names of users are often e-mail addresses, so a whole name that there is comes first.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mockfoundry.cloudfoundry.auth import ANY_ADMIN
from mockfoundry.cloudfoundry.uaa.request import UaaRequest
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World
from mockfoundry.contract.plan import shorten_value
from mockfoundry.documents.problems import did_you_mean

MAX_HINTED_NAME_LENGTH = 80

FOUNDATION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What the name of a foundation looks like."""


class NameReading(NamedTuple):
    """What a name means in the foundation that is asked.

    Attributes:
        known: the user or client there, empty where there is none.
        why: why not, empty where there is one.
    """

    known: str
    why: str = ""


def find_user(world: World, name: str) -> User | None:
    """The user of that name; `admin` is always there."""
    return world.users.get(name) or (ANY_ADMIN if name == ANY_ADMIN.name else None)


def split_name(name: str) -> tuple[str, str] | None:
    """The two parts of a name that may say a foundation, behind its last `@`; None where it can't."""
    left, at, foundation = name.rpartition("@")
    return (left, foundation) if at and FOUNDATION_NAME.fullmatch(foundation) else None


def find_foundation_in_name(
    name: str,
    is_known: Callable[[str], bool],
    is_seeded: Callable[[str], bool],
    is_known_in: Callable[[str, str], bool],
) -> str | None:
    """The foundation that a name says at the bare URL; None where it says none.

    Args:
        is_known: whether the default foundation has a user (or client) of that name.
        is_seeded: whether the server's seed has.
        is_known_in: whether the foundation of the second name is there already and has.
    """
    if is_known(name):
        return None
    parts = split_name(name)
    if parts is None:
        return None
    left, foundation = parts
    return foundation if is_seeded(left) or is_known_in(left, foundation) else None


def read_user_name(request: UaaRequest, name: str) -> NameReading:
    """The user that logs in by a name: a whole name first, then one before an `@` and the foundation's own name."""
    users = request.world.users
    always = () if request.authority.strict else (ANY_ADMIN.name,)
    reading = read_name(request, name, users, always, "user")
    if reading.known or users or request.authority.strict or request.world.settings.unknown_users == "refused":
        return reading
    # Where the seed has no users, everybody is the admin; but who means another foundation must not land here.
    return NameReading(ANY_ADMIN.name) if request.is_named or "@" not in name else reading


def read_client_name(request: UaaRequest, name: str) -> NameReading:
    """The client that a name means, in the same way; `cf` is always there."""
    return read_name(request, name, request.world.clients, ("cf",), "client")


def read_name(
    request: UaaRequest, name: str, table: Mapping[str, object], always: tuple[str, ...], kind: str
) -> NameReading:
    """What a name means in the foundation that is asked.

    Args:
        always: the names that are there without being in the table.
        kind: what the names are of, in words.
    """
    if name in table or name in always:
        return NameReading(name)
    left, at, foundation = name.rpartition("@")
    is_known = left in table or left in always
    if at and foundation == request.foundation and is_known:
        return NameReading(left)
    shown, part = shorten_value(name), shorten_value(left)
    missing = f"{shown or 'the empty name'} is no {kind} of foundation {request.foundation}"
    if not at:
        if name == ANY_ADMIN.name and kind == "user":
            return NameReading("", f"{missing}; with --strict-auth the seed has to have them")
        return NameReading("", f"{missing}{did_you_mean(name[:MAX_HINTED_NAME_LENGTH], (*table, *always))}")
    if foundation == request.foundation:
        return NameReading("", f"{missing}, nor is {part or 'what stands before the @'}")
    if not foundation:
        other = "and no foundation stands after its @"
    elif not FOUNDATION_NAME.fullmatch(foundation):
        other = (
            f"and {shorten_value(foundation)}, after its last @, can't name a foundation: that takes 1 to 64 letters, "
            "digits, '-', '_' or '.', a letter or a digit first"
        )
    elif request.is_named:
        other = (
            f"and as {part} of foundation {foundation} it belongs to another one: the request itself is for "
            f"{request.foundation}; log in as {part}@{request.foundation} or as {part} there"
        )
    elif is_known:
        other = (
            f"and as {part} of foundation {foundation} it belongs to another one: the request's user or token is of "
            f"{request.foundation}"
        )
    else:
        other = (
            f"and as {part or 'nobody'} of foundation {foundation} it is none either, since neither the seed nor that "
            f"foundation has that {kind}"
        )
    return NameReading("", f"{missing}, {other}")
