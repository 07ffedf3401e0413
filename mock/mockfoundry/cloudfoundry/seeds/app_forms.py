"""The forms of apps, with their features, sidecars and deployments. Never looks at an entity."""

from mockfoundry.cloudfoundry.api.apps.variables import find_variable_name_error
from mockfoundry.cloudfoundry.model import LARGEST_LONG
from mockfoundry.cloudfoundry.seeds.keys import BOOLEAN, COMMON_KEYS, COUNT, GUID, METADATA, NAME, POSITIVE, SPAN
from mockfoundry.cloudfoundry.seeds.kinds import COUNT_KEY, MAX_STEPS, MetadataTextKind, WeightsKind
from mockfoundry.cloudfoundry.seeds.part_forms import DROPLET, PACKAGE, REVISION, ROUTE, TASK
from mockfoundry.cloudfoundry.seeds.process_forms import PROCESS
from mockfoundry.cloudfoundry.seeds.snapshot import MOMENT, PAST_DEPLOYMENTS_KEY, PROGRESS_KEY
from mockfoundry.documents.declare import Form, FormKey, NullableKind
from mockfoundry.documents.kinds import ChoiceKind, IntegerKind, JsonKind, ListKind, TableKind, TextKind

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
            "DEPLOYING, PAUSED or CANCELING; in `given:`, beside the guid of the one in flight: continues, pauses or "
            "cancels it.",
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
