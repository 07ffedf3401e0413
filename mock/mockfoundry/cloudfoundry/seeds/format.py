"""The form of a seed file as a whole: what each of its keys holds and is for. Never looks from one entity at another.

Reading, building, `given:`, exporting, the JSON Schema and docs/seed-file.md follow from it, and from the forms of
entities in the rooms beside it. Whatever is left out of an entity is what `build` begins it with.
"""

from mockfoundry.cloudfoundry.seeds.organization_forms import (
    ISOLATION_SEGMENT,
    ORGANIZATION,
    QUOTA,
    SECURITY_GROUP,
    SERVICE_OFFERING,
)
from mockfoundry.cloudfoundry.seeds.settings_forms import FEATURE_FLAG_LIST, SETTINGS
from mockfoundry.cloudfoundry.seeds.snapshot import SNAPSHOT, SNAPSHOT_KEYS
from mockfoundry.cloudfoundry.seeds.user_forms import CLIENT, USER
from mockfoundry.documents.declare import Form, FormKey, Reading
from mockfoundry.documents.kinds import ListKind
from mockfoundry.documents.nodes import Node

SEED = Form(
    "a seed",
    (
        FormKey("settings", SETTINGS, "How the foundation behaves as a platform.", role="part"),
        FormKey("feature_flags", FEATURE_FLAG_LIST, "Feature flags, by name.", role="part"),
        FormKey("default_quota", QUOTA, "The quota of organizations that name none.", "no limits", role="part"),
        FormKey(
            "isolation_segments",
            ListKind(ISOLATION_SEGMENT),
            "Isolation segments, a list; `shared`, and those that organizations and spaces name, are always there.",
            "none",
            role="part",
        ),
        FormKey("security_groups", ListKind(SECURITY_GROUP), "Security groups, a list.", "none", role="part"),
        FormKey("service_offerings", ListKind(SERVICE_OFFERING), "The marketplace, a list.", "none", role="part"),
        FormKey("organizations", ListKind(ORGANIZATION), "The organizations, a list.", "none", role="part"),
        FormKey("users", ListKind(USER), "The users, a list.", "none", role="part"),
        FormKey(
            "clients",
            ListKind(CLIENT),
            "UAA's clients, a list; `cf`, with an empty secret, is there without being named.",
            "cf alone",
            role="part",
        ),
        FormKey("snapshot", SNAPSHOT, "What an export adds; see below.", "none", role="part"),
    ),
)
"""A whole seed; `given:` has the same form, and is merged into the world that is there."""


def begin_seed_reading(root: Node | None = None) -> Reading:
    """A reading of a seed, or of a part of one.

    Args:
        root: the nodes of its text, where it was read as YAML.
    """
    return Reading(root, nameless="the seed", unnamed=SNAPSHOT_KEYS)
