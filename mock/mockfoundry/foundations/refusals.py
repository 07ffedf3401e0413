"""Refusals: why a request has no foundation, in the mock's own errors. Never decides whether it has one."""

from mockfoundry.cloudfoundry.errors import CatalogueEntry, Refusal
from mockfoundry.contract.plan import shorten_value
from mockfoundry.foundations.shards import Shard, find_shard

BAD_FOUNDATION = CatalogueEntry("Mock-BadFoundationName", 990001, 400, "")
TOO_MANY_FOUNDATIONS = CatalogueEntry("Mock-TooManyFoundations", 990002, 503, "")
FOUNDATION_GONE = CatalogueEntry("Mock-FoundationGone", 990008, 404, "")
WORLD_REPLACED = CatalogueEntry("Mock-WorldReplaced", 990009, 410, "")
OTHER_SHARD = CatalogueEntry("Mock-OtherShard", 990011, 421, "")


def bad_name_refusal(name: str) -> Refusal:
    """Why a request is refused whose foundation has a name that none can have."""
    if "," in name:
        text = (
            f"The foundation is named '{shorten_value(name, 200)}', and a name has no comma; give one name, and send "
            "X-Mock-Foundation once"
        )
        return Refusal(BAD_FOUNDATION, text, why="foundation: named more than once")
    text = (
        "A foundation's name is 1 to 64 letters, digits, '-', '_' or '.', a letter or a digit first; take another one"
    )
    return Refusal(BAD_FOUNDATION, text, why="foundation: bad name")


def foundation_gone_refusal(name: str, how: str) -> Refusal:
    """Why a request is refused whose foundation was there and is gone.

    Args:
        how: it went, as a verb with what follows.
    """
    text = (
        f"The foundation {name} {how}; PUT /__mock/foundations/{name} makes it again (so does putting a state or a "
        "scenario, minting a token, logging in, setting the clock, or a copy), or take another name"
    )
    return Refusal(FOUNDATION_GONE, text, why="foundation: gone")


def other_shard_refusal(name: str, shard: Shard) -> Refusal:
    """Why a request is refused whose foundation another server has."""
    text = (
        f"The foundation {name} is on shard {find_shard(name, shard.count)}/{shard.count}, and this is {shard}; ask "
        "through the proxy that mockfoundry proxy-config configures, and give it the same number of shards"
    )
    return Refusal(OTHER_SHARD, text, why=f"foundation: not on shard {shard}")


def world_replaced_refusal(name: str) -> Refusal:
    """Why a request is refused whose world was replaced while it waited."""
    text = (
        f"The foundation {name} was made anew (by a reset, another seed or state, or a copy) while this request "
        "waited; nothing of it was done. Send it again if it is meant for the new one"
    )
    return Refusal(WORLD_REPLACED, text, why="foundation: made anew while the request waited")
