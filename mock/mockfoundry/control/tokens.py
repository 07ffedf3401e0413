"""Tokens: minted for users of a foundation, by which a client that can say nothing else reaches it. Reads none."""

from typing import Any

from mockfoundry.cloudfoundry.clock import LATEST, SECOND
from mockfoundry.cloudfoundry.permissions import ANY_ADMIN
from mockfoundry.cloudfoundry.tokens import LIFETIME, minted
from mockfoundry.control.clerk import Clerk, Handlers
from mockfoundry.control.problems import ControlError
from mockfoundry.control.questions import duration_of
from mockfoundry.documents import did_you_mean
from mockfoundry.foundations import Foundation


def token_handlers(clerk: Clerk) -> Handlers:
    """The handler of a foundation's tokens."""

    def mint_token(name: str, body: dict[str, Any] | None = None) -> tuple[dict[str, Any], int]:
        asked = body or {}
        user_name = asked.get("user", ANY_ADMIN.name)
        lifetime = duration_of("body /expires_in", asked["expires_in"]) if "expires_in" in asked else LIFETIME

        def mint(foundation: Foundation, now: int) -> dict[str, Any]:
            users = foundation.world.users
            user = users.get(user_name) or (ANY_ADMIN if user_name == ANY_ADMIN.name else None)
            if user is None:
                hint = did_you_mean(user_name, (*users, ANY_ADMIN.name))
                detail = f"body /user: {user_name[:80]!r} is not a user of {name}{hint}; its seed may have more"
                raise ControlError(422, "unknown-user", detail)
            foundation.tokens += 1
            expires = min(LATEST, now + lifetime)
            token = minted(clerk.service.authority.key, name, user, now, expires, foundation.tokens)
            seconds = -(-(expires - now) // SECOND)
            return {"access_token": token, "token_type": "bearer", "expires_in": seconds, "user": user.name}

        return clerk.within_new(name, mint), 201

    return {"mint_token": mint_token}
