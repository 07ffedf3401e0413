"""The form of a seed file: its keys, what each holds and is for. Never looks from one entity at another.

Reading, building, `given:`, exporting, the JSON Schema and docs/seed-file.md follow from these tables. Whatever is left
out of an entity is what `build` begins it with.
"""

from mockfoundry.cloudfoundry.api.environment import find_variable_name_error
from mockfoundry.cloudfoundry.model import LARGEST_INTEGER, LARGEST_LONG
from mockfoundry.cloudfoundry.seeds.keys import (
    BOOLEAN,
    COMMON_KEYS,
    COUNT,
    GUID,
    LIMIT,
    METADATA,
    NAME,
    POSITIVE,
    SPAN,
)
from mockfoundry.cloudfoundry.seeds.kinds import (
    COUNT_KEY,
    MAX_STEPS,
    SECONDS_OF_A_YEAR,
    BuiltKind,
    CountedListKind,
    IndexKind,
    MetadataTextKind,
    SecondsKind,
    SpanKind,
    WeightsKind,
)
from mockfoundry.cloudfoundry.seeds.load import LOAD
from mockfoundry.cloudfoundry.seeds.part_forms import DROPLET, PACKAGE, REVISION, ROUTE, ROUTE_WITHOUT_APP, TASK
from mockfoundry.cloudfoundry.seeds.snapshot import (
    FAILED_LOG_INS_KEY,
    INSTANCE_KEYS,
    MOMENT,
    PAST_DEPLOYMENTS_KEY,
    PROGRESS_KEY,
    SNAPSHOT,
)
from mockfoundry.cloudfoundry.seeds.values import (
    FEATURE_FLAGS,
    spell_feature_flag,
    spell_rate_limit,
    write_feature_flag,
    write_rate_limit,
)
from mockfoundry.cloudfoundry.uaa.clients import JWT_BEARER
from mockfoundry.documents.declare import Form, FormKey, NullableKind
from mockfoundry.documents.kinds import (
    ChoiceKind,
    IntegerKind,
    JsonKind,
    ListKind,
    MappingOrKind,
    TableKind,
    TextKind,
)

ORGANIZATION_ROLES = (
    "organization_user",
    "organization_auditor",
    "organization_manager",
    "organization_billing_manager",
)
SPACE_ROLES = ("space_developer", "space_supporter", "space_manager", "space_auditor")
GRANTS = ("client_credentials", "password", "refresh_token", "authorization_code", JWT_BEARER)
SCOPES = tuple(f"cloud_controller.{scope}" for scope in ("admin", "admin_read_only", "global_auditor", "read", "write"))

EACH = "*"
"""In place of a name: each one that is there (in `given:` only)."""

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

QUOTA_KEYS = (
    *COMMON_KEYS,
    FormKey("name", TextKind(1, 250), "Its name.", "the owner's, and `-quota`"),
    FormKey("total_memory_in_mb", LIMIT, "The memory of all instances together.", "null"),
    FormKey("per_process_memory_in_mb", LIMIT, "The memory of one instance.", "null"),
    FormKey("total_instances", LIMIT, "The number of all instances together.", "null"),
    FormKey("per_app_tasks", LIMIT, "The tasks of one app.", "null"),
    FormKey(
        "log_rate_limit_in_bytes_per_second",
        NullableKind(IntegerKind(0, LARGEST_LONG)),
        "The log rate of all instances together.",
        "null",
    ),
    FormKey("paid_services_allowed", BOOLEAN, "Whether services may cost something.", "true"),
    FormKey("total_service_instances", LIMIT, "The number of service instances.", "null"),
    FormKey("total_service_keys", LIMIT, "The number of service keys.", "null"),
    FormKey("total_routes", LIMIT, "The number of routes.", "null"),
    FormKey("total_reserved_ports", LIMIT, "The number of ports of routes.", "null"),
)
SPACE_QUOTA = Form("a quota", QUOTA_KEYS)
QUOTA = Form("a quota", (*QUOTA_KEYS, FormKey("total_domains", LIMIT, "The number of private domains.", "null")))
QUOTA_TEXT = "Limits for everything inside it; all but those of processes are only shown."

CHECK_TYPE = ChoiceKind(("port", "process", "http"))
CHECK_KEYS = (
    FormKey("invocation_timeout", NullableKind(POSITIVE), "Seconds that one check may take.", "null"),
    FormKey("interval", NullableKind(POSITIVE), "Seconds between two checks.", "null"),
    FormKey(
        "endpoint",
        NullableKind(TextKind(1, 255, r"/(?:[^\s/]\S*)?", "a URI path such as /health")),
        "The path that a check of type http requests; required for that type.",
        "null",
    ),
)
HEALTH_CHECK_DATA = Form(
    "a health check's data",
    (
        FormKey("timeout", NullableKind(POSITIVE), "Seconds within which an instance must become healthy.", "null"),
        *CHECK_KEYS,
    ),
)
READINESS_CHECK_DATA = Form("a readiness health check's data", CHECK_KEYS)
HEALTH_CHECK = Form(
    "a health check",
    (
        FormKey("type", CHECK_TYPE, "port, process or http.", "port for web, else process"),
        FormKey("data", HEALTH_CHECK_DATA, "How the check is made.", role="flat"),
    ),
)
READINESS_CHECK = Form(
    "a readiness health check",
    (
        FormKey("type", CHECK_TYPE, "port, process or http.", "process"),
        FormKey("data", READINESS_CHECK_DATA, "How the check is made.", role="flat"),
    ),
)

STATE_NAME = ChoiceKind(("RUNNING", "STARTING", "CRASHED", "DOWN"))
HELD_STATE = Form(
    "an instance's state",
    (
        FormKey("state", STATE_NAME, "RUNNING, STARTING, CRASHED or DOWN.", required=True),
        FormKey("details", NullableKind(TextKind(1, 1000)), "The reason that stats show.", "null"),
    ),
)

PROCESS_KEYS = (
    *COMMON_KEYS,
    FormKey(
        "type",
        TextKind(1, 255, r"[^/\x00-\x1f]+", "a process type: 1 to 255 signs without '/'"),
        "Such as web or worker. A web process without a `guid` has its app's guid.",
        required=True,
        role="identity",
    ),
    FormKey("version", GUID, "Changes when the instances must be started again.", "a guid"),
    FormKey("instances", COUNT, "How many instances are wanted.", "1 for web, else 0"),
    FormKey("memory_in_mb", POSITIVE, "The memory of each instance.", "1024"),
    FormKey("disk_in_mb", POSITIVE, "The disk of each instance.", "1024"),
    FormKey(
        "log_rate_limit_in_bytes_per_second",
        IntegerKind(-1, LARGEST_LONG),
        "The log rate of each instance; -1 is unlimited.",
        "-1",
    ),
    FormKey(
        "command",
        NullableKind(TextKind(0, 4096, takes_control_signs=True)),
        "Its start command; null shows the one that staging found.",
        "null",
    ),
    FormKey(
        "user", NullableKind(NAME), "The user that runs it; null shows the lifecycle's user, such as vcap.", "null"
    ),
    FormKey("revision", NullableKind(GUID), "The guid of its revision.", "the app's"),
    FormKey("registry_credential", NullableKind(GUID), "Shown unless it is null.", "null"),
    FormKey("registry_credential_last_synced_at", NullableKind(MOMENT), "Shown unless it is null.", "null"),
    FormKey("health_check", HEALTH_CHECK, "How instances are checked.", "port for web, else process", role="merged"),
    FormKey(
        "readiness_health_check",
        READINESS_CHECK,
        "How instances are checked before they get requests.",
        "process",
        role="merged",
    ),
    FormKey("metadata", METADATA, "`labels` and `annotations`.", "none", role="flat"),
    FormKey(
        "instance_states",
        TableKind(IndexKind(LARGEST_INTEGER), MappingOrKind(HELD_STATE, STATE_NAME)),
        "By index: RUNNING, STARTING, CRASHED, DOWN, or a mapping of `state` and `details`. Holds until a start.",
        "none",
        role="part",
    ),
    FormKey(
        "crash_after",
        NullableKind(SPAN),
        "How long after each start an instance crashes; the scheduler restarts it.",
        "null",
    ),
    FormKey(
        "starts",
        BOOLEAN,
        "false: no instance ever becomes healthy; each crashes when its health check times out.",
        "true",
    ),
    FormKey("ready", BOOLEAN, "false: instances run, but get no requests.", "true"),
    FormKey(
        "placement_error",
        NullableKind(TextKind(1, 1000)),
        "Why new instances can't be placed; they are DOWN.",
        "null",
    ),
    FormKey("load", NullableKind(LOAD), "The load of all instances together.", "null"),
    *INSTANCE_KEYS,
)

PAST_VERSION = Form(
    "an earlier version",
    (FormKey("replaced_at", MOMENT, "When another one took its place.", required=True), *PROCESS_KEYS),
)
PROCESS = Form(
    "a process",
    (
        *PROCESS_KEYS,
        FormKey(
            "past_versions",
            ListKind(PAST_VERSION, None),
            "The earlier versions that stale reads may still show.",
            "none",
            role="part",
        ),
    ),
)

SIDECAR_TEXT = TextKind(1, 255, takes_control_signs=True)
SIDECAR = Form(
    "a sidecar",
    (
        *COMMON_KEYS,
        FormKey("name", SIDECAR_TEXT, "Its name; unique in its app.", required=True, role="identity"),
        FormKey(
            "process_types",
            ListKind(SIDECAR_TEXT),
            "The types of the processes that it runs beside; a new sidecar needs them.",
        ),
        FormKey("memory_in_mb", NullableKind(POSITIVE), "How much of their memory it takes.", "null"),
        FormKey("command", TextKind(1, 4096, takes_control_signs=True), "Its start command.", "./sidecar"),
        FormKey("origin", ChoiceKind(("user", "buildpack")), "Who made it: user or buildpack.", "user"),
    ),
)

DEPLOYMENT = Form(
    "a deployment",
    (
        FormKey("guid", GUID, "Its guid.", "from the random seed", role="identity"),
        FormKey("created_at", MOMENT, "When it began.", "now"),
        FormKey("strategy", ChoiceKind(("rolling", "canary", "recreate")), "rolling, canary or recreate.", "rolling"),
        FormKey("status", ChoiceKind(("ACTIVE",)), "ACTIVE.", "ACTIVE", role="part"),
        FormKey(
            "reason",
            ChoiceKind(("DEPLOYING", "PAUSED", "CANCELING")),
            "DEPLOYING, PAUSED or CANCELING; in `given:`, beside the guid of the one in flight: continues, cancels it.",
            "DEPLOYING",
            role="part",
        ),
        FormKey(
            "seconds",
            NullableKind(SPAN),
            "How long it takes, not counting pauses; null if it never ends by itself.",
            "`deployment_seconds`",
            attribute="duration",
        ),
        FormKey(
            "steps",
            WeightsKind(),
            "For a canary: the percentage of new instances at each pause, ascending, such as `[10, 50]`.",
            "one pause, with one new instance",
            attribute="weights",
        ),
        FormKey("step", IntegerKind(1, MAX_STEPS + 1), "For a canary: the pause it is at or moving to.", "1"),
        FormKey("max_in_flight", POSITIVE, "How many new instances are started together.", "1"),
        FormKey("web_instances", NullableKind(COUNT), "How many instances there are to be; null for as many.", "null"),
        FormKey("memory_in_mb", NullableKind(POSITIVE), "The memory of each new instance; null for the same.", "null"),
        FormKey("disk_in_mb", NullableKind(POSITIVE), "The disk of each new instance; null for the same.", "null"),
        FormKey(
            "log_rate_limit_in_bytes_per_second",
            NullableKind(IntegerKind(-1, LARGEST_LONG)),
            "The log rate of each new instance; null for the same.",
            "null",
        ),
        FormKey("metadata", METADATA, "`labels` and `annotations`.", "none", role="flat"),
        PROGRESS_KEY,
    ),
)

FEATURES = Form(
    "an app's features",
    (
        FormKey("ssh", BOOLEAN, "Whether one may connect to its instances.", "true", attribute="ssh_enabled"),
        FormKey("revisions", BOOLEAN, "Whether it has revisions.", "true", attribute="revisions_enabled"),
        FormKey(
            "service-binding-k8s",
            BOOLEAN,
            "Whether it finds its service bindings as Kubernetes has them.",
            "false",
            attribute="service_binding_k8s_enabled",
        ),
        FormKey(
            "file-based-vcap-services",
            BOOLEAN,
            "Whether it finds its service bindings in a file.",
            "false",
            attribute="file_based_vcap_services_enabled",
        ),
    ),
)

PLAIN_NAME = TextKind(1, 255, r"[^/\x00-\x1f]+", "a name: 1 to 255 signs without '/'")

SERVICE_INSTANCE = Form(
    "a service instance",
    (
        *COMMON_KEYS,
        FormKey("name", NAME, "Its name; unique in its space.", required=True, role="identity"),
        FormKey("plan", NullableKind(TextKind(3, 511)), "`offering/plan`; null if a user provided it.", "null"),
        FormKey("tags", ListKind(NAME), "Its tags.", "none"),
        FormKey("dashboard_url", NullableKind(TextKind(1, 1000)), "Where it is looked after.", "null"),
        FormKey("metadata", METADATA, "`labels` and `annotations`.", "none", role="flat"),
    ),
)

OFFERED_KEYS = (
    *COMMON_KEYS,
    FormKey("name", PLAIN_NAME, "Its name; unique.", required=True, role="identity"),
    FormKey("catalog_id", NAME, "What the broker calls it.", "its guid"),
    FormKey("description", TextKind(0, 5000), "What it is.", "empty"),
    FormKey("available", BOOLEAN, "Whether the broker still offers it.", "true"),
    FormKey("metadata", METADATA, "`labels` and `annotations`.", "none", role="flat"),
)
SERVICE_PLAN = Form("a service plan", (*OFFERED_KEYS, FormKey("free", BOOLEAN, "Whether it costs nothing.", "true")))
SERVICE_OFFERING = Form(
    "a service offering",
    (
        *OFFERED_KEYS,
        FormKey("broker", PLAIN_NAME, "The name of its broker.", "the offering's, and `-broker`"),
        FormKey("tags", ListKind(NAME), "Its tags.", "none"),
        FormKey("plans", ListKind(SERVICE_PLAN), "Its plans, a list.", "none", role="part"),
    ),
)

PORTS = TextKind(1, 255, r"[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*", "ports such as 443, 80,443 or 8000-9000")
SECURITY_RULE = Form(
    "a rule of a security group",
    (
        FormKey("protocol", ChoiceKind(("tcp", "udp", "icmp", "icmpv6", "all")), "The protocol.", required=True),
        FormKey("destination", TextKind(1, 1000), "The addresses, such as 10.0.0.0/8.", required=True),
        FormKey("ports", PORTS, "The ports, of tcp and udp."),
        FormKey("type", IntegerKind(-1, 255), "The type, of icmp."),
        FormKey("code", IntegerKind(-1, 255), "The code, of icmp."),
        FormKey("description", TextKind(0, 5000), "What it is for."),
        FormKey("log", BOOLEAN, "Whether it is logged."),
    ),
)
PLACES = ListKind(TextKind(3, 511))
SECURITY_GROUP = Form(
    "a security group",
    (
        *COMMON_KEYS,
        FormKey("name", NAME, "Its name; unique.", required=True, role="identity"),
        FormKey("rules", BuiltKind(ListKind(SECURITY_RULE), tuple, list), "What it allows, a list.", "none"),
        FormKey("running_default", BOOLEAN, "Whether it holds for running apps in every space.", "false"),
        FormKey("staging_default", BOOLEAN, "Whether it holds for apps that are staged in every space.", "false"),
        FormKey("running_spaces", PLACES, "Where it holds for running apps besides: `organization/space`.", "none"),
        FormKey("staging_spaces", PLACES, "The same for apps that are staged.", "none"),
    ),
)

APP = Form(
    "an app",
    (
        *COMMON_KEYS,
        FormKey("name", NAME, "Its name; unique in its space.", required=True, role="identity"),
        COUNT_KEY,
        FormKey("state", ChoiceKind(("STARTED", "STOPPED")), "STARTED or STOPPED.", "STARTED", role="part"),
        FormKey(
            "lifecycle",
            ChoiceKind(("buildpack", "cnb", "docker")),
            "buildpack, cnb or docker. It decides which user runs a process that names no user.",
            "buildpack",
        ),
        FormKey("buildpacks", ListKind(TextKind(1, 4096)), "Its buildpacks, by name or URL.", "none"),
        FormKey("stack", NullableKind(TextKind(1, 4096)), "Its stack.", "cflinuxfs4"),
        FormKey(
            "has_registry_credentials",
            BOOLEAN,
            "For the lifecycle cnb: whether it has credentials, which are shown as `***`.",
            "false",
        ),
        FormKey(
            "environment_variables",
            NullableKind(
                TableKind(MetadataTextKind(find_variable_name_error, "the name of an environment variable"), JsonKind())
            ),
            "Its environment variables, by name.",
            "null",
        ),
        FormKey("metadata", METADATA, "`labels` and `annotations`.", "none", role="flat"),
        FormKey("features", FEATURES, "What is on and off for it.", "those that a new app has", role="flat"),
        FormKey(
            "deletion_error",
            NullableKind(TextKind(1, 1000)),
            "Why it can't be deleted: what the job that fails says.",
            "null",
        ),
        FormKey("droplet", NullableKind(DROPLET), "The result of staging.", "one without commands", role="part"),
        FormKey("droplets", ListKind(DROPLET), "Its other droplets, a list, the oldest first.", "none", role="part"),
        FormKey(
            "packages",
            ListKind(PACKAGE),
            "Its packages, a list; a droplet that names none, beside none, has one of its own.",
            "none",
            role="part",
        ),
        FormKey(
            "revision",
            NullableKind(GUID),
            "The guid of its current revision; null if revisions are off.",
            "the last of `revisions`, else a guid",
        ),
        FormKey(
            "revisions",
            ListKind(REVISION),
            "Its revisions, a list; the current one need not be there.",
            "none",
            role="part",
        ),
        FormKey("routes", ListKind(ROUTE), "The routes that lead to it, a list.", "none", role="part"),
        FormKey("tasks", ListKind(TASK), "Its tasks, a list.", "none", role="part"),
        FormKey("deployment", NullableKind(DEPLOYMENT), "The deployment in flight.", "null", role="part"),
        PAST_DEPLOYMENTS_KEY,
        FormKey("sidecars", ListKind(SIDECAR), "Its sidecars, a list.", "none", role="part"),
        FormKey("processes", ListKind(PROCESS), "Its processes, a list.", "one of type web", role="part"),
    ),
)

SUSPENSION_KEYS = (
    FormKey("suspended", BOOLEAN, "true: refuses writes, except those of admins.", "false"),
    FormKey("being_deleted", BOOLEAN, "true: refuses writes, except those of admins.", "false"),
    FormKey("metadata", METADATA, "`labels` and `annotations`.", "none", role="flat"),
)

SPACE = Form(
    "a space",
    (
        *COMMON_KEYS,
        FormKey("name", NAME, "Its name; unique in its organization.", required=True, role="identity"),
        *SUSPENSION_KEYS,
        FormKey("quota", NullableKind(SPACE_QUOTA), QUOTA_TEXT, "null", role="merged"),
        FormKey("isolation_segment", NullableKind(NAME), "The name of the one that its apps run in.", "null"),
        FormKey("allow_ssh", BOOLEAN, "Whether SSH into its apps is allowed.", "true"),
        FormKey("apps", CountedListKind(APP), "Its apps, a list.", "none", role="part"),
        FormKey("service_instances", ListKind(SERVICE_INSTANCE), "Its services, a list.", "none", role="part"),
        FormKey("routes", ListKind(ROUTE_WITHOUT_APP), "Its routes that lead to no app, a list.", "none", role="part"),
    ),
)

ORGANIZATION = Form(
    "an organization",
    (
        *COMMON_KEYS,
        FormKey("name", NAME, "Its name; unique.", required=True, role="identity"),
        *SUSPENSION_KEYS,
        FormKey("quota", NullableKind(QUOTA), QUOTA_TEXT, "null, which is `default_quota`", role="merged"),
        FormKey("isolation_segments", ListKind(NAME), "The names of those that it may use.", "those of its spaces"),
        FormKey("default_isolation_segment", NullableKind(NAME), "The one for spaces that name none.", "null"),
        FormKey("spaces", ListKind(SPACE), "Its spaces, a list.", "none", role="part"),
    ),
)

ISOLATION_SEGMENT = Form(
    "an isolation segment",
    (
        *COMMON_KEYS,
        FormKey("name", NAME, "Its name; unique.", required=True, role="identity"),
        FormKey("metadata", METADATA, "`labels` and `annotations`.", "none", role="flat"),
    ),
)

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
            TableKind(NAME, ListKind(ChoiceKind(ORGANIZATION_ROLES))),
            "Roles, by the organization's name.",
            "none",
            role="part",
        ),
        FormKey(
            "spaces",
            TableKind(TextKind(1, 511), ListKind(ChoiceKind(SPACE_ROLES))),
            "Roles, by `organization/space`.",
            "none",
            role="part",
        ),
        FormKey("origin", NAME, "The identity provider that they log in with.", "uaa"),
        FormKey("metadata", METADATA, "`labels` and `annotations`.", "none", role="flat"),
        FormKey(
            "password",
            NullableKind(TextKind(1, 255)),
            "What they log in with; any other is refused, five times within 20 minutes locks them out for 5.",
            "any password is right",
        ),
        FormKey("locked", BOOLEAN, "true: they can't log in, whatever the password.", "false"),
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
