"""The forms of organizations and of what they have: spaces, quotas, segments, services. Never looks at an entity."""

from mockfoundry.cloudfoundry.model import LARGEST_LONG
from mockfoundry.cloudfoundry.seeds.app_forms import APP
from mockfoundry.cloudfoundry.seeds.keys import BOOLEAN, COMMON_KEYS, LIMIT, METADATA, NAME
from mockfoundry.cloudfoundry.seeds.kinds import BuiltKind, CountedListKind
from mockfoundry.cloudfoundry.seeds.part_forms import ROUTE_WITHOUT_APP
from mockfoundry.documents.declare import Form, FormKey, NullableKind
from mockfoundry.documents.kinds import ChoiceKind, IntegerKind, ListKind, TextKind

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

PLAIN_NAME = TextKind(1, 255, r"[^/\x00-\x1f]+", "1 to 255 signs without '/'")

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
