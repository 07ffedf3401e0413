"""The forms of what holds for a whole foundation: its settings, rate limit and feature flags. Knows no entity."""

from mockfoundry.cloudfoundry.seeds.keys import BOOLEAN, COUNT, LIMIT, NAME, POSITIVE
from mockfoundry.cloudfoundry.seeds.kinds import SECONDS_OF_A_YEAR, BuiltKind, SecondsKind, SpanKind
from mockfoundry.cloudfoundry.seeds.snapshot import MOMENT
from mockfoundry.cloudfoundry.seeds.values import (
    FEATURE_FLAGS,
    spell_feature_flag,
    spell_rate_limit,
    write_feature_flag,
    write_rate_limit,
)
from mockfoundry.documents.declare import Form, FormKey, NullableKind
from mockfoundry.documents.kinds import ChoiceKind, ListKind, MappingOrKind, TextKind

AVAILABILITY = ChoiceKind(("available", "unavailable"))
SECONDS = SecondsKind()
LIFETIME = SecondsKind(SpanKind(1, 10 * SECONDS_OF_A_YEAR))

RATE_LIMIT = Form(
    "a rate limit",
    (
        FormKey("requests", COUNT, "How many requests a user has in one interval.", required=True),
        FormKey("unauthenticated", COUNT, "The same for callers without a token, for each address.", "as `requests`"),
        FormKey("admins", LIMIT, "The same for an admin; null is unlimited, as on a real foundation.", "null"),
        FormKey("interval_seconds", SecondsKind(SpanKind(1)), "How long an interval is.", "3600"),
    ),
)

SETTINGS = Form(
    "settings",
    (
        FormKey("start_seconds", SECONDS, "How long an instance takes from its start until it runs.", "1"),
        FormKey("stop_seconds", SECONDS, "How long an instance takes to stop.", "1"),
        FormKey("deployment_seconds", SECONDS, "How long a deployment takes.", "2"),
        FormKey("job_seconds", SECONDS, "How long it takes until a job runs, such as the deletion of an app.", "1"),
        FormKey("task_seconds", SECONDS, "How long a task runs that a client starts.", "1"),
        FormKey(
            "crash_seconds",
            NullableKind(SECONDS),
            "Every instance started from now on crashes this long after each start.",
            "null",
        ),
        FormKey(
            "stale_seconds", SECONDS, "The age of the processes that reads show; writes see the current ones.", "0"
        ),
        FormKey(
            "platform",
            AVAILABILITY,
            "`unavailable`: the scheduler can't be reached; stats and terminate answer 503.",
            "available",
        ),
        FormKey("metrics", AVAILABILITY, "`unavailable`: stats have no usage, and a warning says so.", "available"),
        FormKey(
            "rate_limit",
            NullableKind(BuiltKind(MappingOrKind(RATE_LIMIT, COUNT), spell_rate_limit, write_rate_limit)),
            "A number of requests for everybody, or a mapping.",
            "null",
            role="part",
        ),
        FormKey("maximum_disk_in_mb", POSITIVE, "How much disk a process may ask for.", "2048"),
        FormKey("maximum_health_check_timeout_in_seconds", POSITIVE, "The longest timeout of a health check.", "180"),
        FormKey(
            "allowed_process_users",
            ListKind(NAME),
            "The users that may run a process, besides vcap.",
            "ContainerUser, TestUser",
        ),
        FormKey(
            "unknown_users",
            ChoiceKind(("admin", "refused")),
            "What happens to a bearer token that names no user: `admin` treats it as an admin's, `refused` answers "
            "401. The token `admin` works with both.",
            "admin",
        ),
        # The platform around the processes
        FormKey(
            "api_version",
            TextKind(1, 32, r"[0-9]+\.[0-9]+\.[0-9]+", "a version such as 3.228.0"),
            "The version of the Cloud Controller that the root documents show; clients decide by it what they ask.",
            "3.228.0",
        ),
        FormKey(
            "uaa",
            AVAILABILITY,
            "`unavailable`: nobody can log in, and a request with a token is answered 502, CF-UaaUnavailable.",
            "available",
        ),
        FormKey(
            "access_token_seconds",
            NullableKind(LIFETIME),
            "How long a token is valid that a log-in gives; UAA's own default is 43200, that of cf on a real "
            "foundation 1200. null is ten years.",
            "null",
        ),
        FormKey(
            "refresh_token_seconds",
            NullableKind(LIFETIME),
            "How long a refresh token is valid; 2592000 on a real foundation. null is ten years.",
            "null",
        ),
    ),
)

FEATURE_FLAG_FORM = Form(
    "a feature flag",
    (
        FormKey("enabled", BOOLEAN, "Whether it is on.", required=True),
        FormKey(
            "error_message",
            NullableKind(TextKind(1, 1000)),
            "What a refusal says in place of the flag's name.",
            "null",
        ),
        FormKey("updated_at", NullableKind(MOMENT), "When it was last set.", "null, until a client sets it"),
    ),
)
FEATURE_FLAG = BuiltKind(MappingOrKind(FEATURE_FLAG_FORM, BOOLEAN), spell_feature_flag, write_feature_flag)
FEATURE_FLAG_LIST = Form(
    "the list of feature flags",
    tuple(FormKey(name, FEATURE_FLAG, "A feature flag.", str(on).lower()) for name, on in FEATURE_FLAGS.items()),
)
