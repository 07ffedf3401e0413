"""The forms of users and of clients: who can log in, and what they may. Never looks at an entity."""

from mockfoundry.cloudfoundry.seeds.keys import BOOLEAN, COMMON_KEYS, METADATA, NAME
from mockfoundry.cloudfoundry.seeds.settings_forms import LIFETIME
from mockfoundry.cloudfoundry.seeds.snapshot import FAILED_LOG_INS_KEY
from mockfoundry.cloudfoundry.uaa.clients import JWT_BEARER
from mockfoundry.documents.declare import Form, FormKey, NullableKind
from mockfoundry.documents.kinds import ChoiceKind, ListKind, TableKind, TextKind

ORGANIZATION_ROLES = (
    "organization_user",
    "organization_auditor",
    "organization_manager",
    "organization_billing_manager",
)
SPACE_ROLES = ("space_developer", "space_supporter", "space_manager", "space_auditor")
GRANTS = ("client_credentials", "password", "refresh_token", "authorization_code", JWT_BEARER)
SCOPES = tuple(f"cloud_controller.{scope}" for scope in ("admin", "admin_read_only", "global_auditor", "read", "write"))

USER = Form(
    "a user",
    (
        *COMMON_KEYS,
        FormKey(
            "name", NAME, "Its name; if it is one word, it is also a bearer token.", required=True, role="identity"
        ),
        FormKey(
            "scopes",
            ListKind(ChoiceKind(SCOPES)),
            "cloud_controller.admin, .admin_read_only, .global_auditor, .read or .write.",
            "cloud_controller.read and .write",
            role="part",
        ),
        FormKey(
            "organizations",
            TableKind(NAME, ListKind(ChoiceKind(ORGANIZATION_ROLES, "a role in an organization"))),
            "Roles, by the organization's name: `{acme: [organization_user]}`.",
            "none",
            role="part",
            elsewhere=ORGANIZATION_ROLES,
        ),
        FormKey(
            "spaces",
            TableKind(TextKind(1, 511), ListKind(ChoiceKind(SPACE_ROLES, "a role in a space"))),
            "Roles, by `organization/space`: `{acme/dev: [space_developer]}`.",
            "none",
            role="part",
            elsewhere=("roles", "role", *SPACE_ROLES),
        ),
        FormKey("origin", NAME, "The identity provider that they log in with.", "uaa"),
        FormKey("metadata", METADATA, "`labels` and `annotations`.", "none", role="flat"),
        FormKey(
            "password",
            NullableKind(TextKind(1, 255)),
            "What they log in with; any other is refused, five times within 20 minutes locks them out for 5.",
            "any password is right",
        ),
        FormKey(
            "locked",
            BOOLEAN,
            "true: they can't log in, whatever the password; false, or a password, lets in who locked themselves out.",
            "false",
        ),
        FAILED_LOG_INS_KEY,
    ),
)

SCOPE_LIST = ListKind(TextKind(1, 64, r"[!-~]+", "a scope such as cloud_controller.read"), 100)

CLIENT = Form(
    "a client",
    (
        FormKey("id", NAME, "Its id.", required=True, role="identity"),
        FormKey("secret", TextKind(0, 255), "Its secret.", "empty, as that of cf"),
        FormKey("authorities", SCOPE_LIST, "What the tokens have that it gets for itself.", "uaa.none"),
        FormKey("scopes", SCOPE_LIST, "What the tokens of users may have that it gets.", "those of cf"),
        FormKey(
            "grants",
            ListKind(ChoiceKind(GRANTS)),
            f"How it may get tokens: {', '.join(GRANTS)}.",
            "client_credentials",
        ),
        FormKey(
            "access_token_seconds", NullableKind(LIFETIME), "How long its tokens are valid.", "as the settings say"
        ),
        FormKey(
            "refresh_token_seconds",
            NullableKind(LIFETIME),
            "How long its refresh tokens are valid.",
            "as the settings say",
        ),
    ),
)
