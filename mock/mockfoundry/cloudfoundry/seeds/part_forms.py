"""The forms of what belongs to apps: droplets, packages, revisions, tasks and routes. Knows no app.

An export of sixty thousand apps has sixty thousand droplets, so these forms leave out what nearly all of them share.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from mockfoundry.cloudfoundry.app_parts import Package, Revision, RouteModel, Task
from mockfoundry.cloudfoundry.model import LARGEST_LONG, Droplet
from mockfoundry.cloudfoundry.route_table import DEFAULT_DOMAIN
from mockfoundry.cloudfoundry.seeds.keys import COMMON_KEYS, METADATA_KEY, NAME, POSITIVE, SPAN
from mockfoundry.cloudfoundry.seeds.kinds import BuiltKind
from mockfoundry.cloudfoundry.seeds.values import spell_buildpack, write_buildpack
from mockfoundry.cloudfoundry.staging import MAX_VERSION
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

PART_GUID = TextKind(1, 300, r"[A-Za-z0-9_-]+", "1 to 300 letters, digits, '-' or '_'")
"""A guid that may follow from another one, and be longer."""

COMMAND = TextKind(0, 4096, takes_control_signs=True)
ERROR = NullableKind(TextKind(0, 5000, takes_control_signs=True))


class ShortForm(Form, frozen=True, dict=True):
    """A form that is written without the keys of which an entity has what an unset one has.

    Attributes:
        unset: such an entity.
        always: the keys that are written in any case.
    """

    unset: Any
    always: tuple[str, ...] = ()

    @cached_property
    def held_unset(self) -> Mapping[str, tuple[tuple[str, Any], ...]]:
        """Of each key that may be left out the attributes that hold it, with what an unset entity has in them."""
        return {
            key.name: tuple((each.attribute, getattr(self.unset, each.attribute)) for each in list_held_keys(key))
            for key in self.keys
            if key.name not in self.always
        }

    def write(self, value: Any, **computed: Any) -> dict[str, Any]:
        written = {}
        for name, attribute, write in self.writers:
            if name in computed:
                written[name] = computed[name]
            elif name not in self.held_unset or any(
                getattr(value, each) != usual for each, usual in self.held_unset[name]
            ):
                held = value if attribute is None else getattr(value, attribute)
                written[name] = held if write is None or held is None else write(held)
        return written


def list_held_keys(key: FormKey) -> tuple[FormKey, ...]:
    """The keys whose attributes hold what a key says: its own, or those of a form that is flat."""
    return key.form.keys if key.role == "flat" else (key,)


PART_KEYS = (FormKey("guid", PART_GUID, "Its guid.", "from the random seed", role="identity"), *COMMON_KEYS[1:])

BUILDPACK = Form(
    "a buildpack",
    (
        FormKey("name", NAME, "Its name, or its URL.", required=True),
        FormKey("detect_output", NullableKind(TextKind(0, 1000)), "What it said of the app.", "null"),
        FormKey("buildpack_name", NullableKind(NAME), "What it calls itself.", "null"),
        FormKey("version", NullableKind(NAME), "Its version.", "null"),
    ),
)

DROPLET = ShortForm(
    "a droplet",
    (
        *PART_KEYS,
        FormKey(
            "process_types",
            TableKind(NAME, TextKind(0, 4096)),
            "The commands that staging found, by type.",
            "none",
        ),
        FormKey(
            "state",
            ChoiceKind(("STAGED", "FAILED", "EXPIRED", "AWAITING_UPLOAD", "PROCESSING_UPLOAD", "COPYING", "STAGING")),
            "STAGED, FAILED, EXPIRED, AWAITING_UPLOAD, PROCESSING_UPLOAD, COPYING or STAGING.",
            "STAGED",
        ),
        FormKey("error", ERROR, "Why staging failed.", "null"),
        FormKey(
            "package",
            NullableKind(PART_GUID),
            "The guid of the package that was staged; null for one of its own.",
            "the last READY one of the app's `packages`, else null",
        ),
        FormKey("stack", NullableKind(NAME), "Its stack; null shows the app's.", "null"),
        FormKey("image", NullableKind(NAME), "The image of a Docker app; null shows one of the app's name.", "null"),
        FormKey(
            "buildpacks",
            NullableKind(ListKind(BuiltKind(MappingOrKind(BUILDPACK, NAME), spell_buildpack, write_buildpack))),
            "The buildpacks that made it: names, or mappings.",
            "null, which shows those of the app, else ruby_buildpack",
        ),
        FormKey("execution_metadata", TextKind(0, 5000, takes_control_signs=True), "Shown as it is.", "none"),
        METADATA_KEY,
    ),
    Droplet(guid="", created_at=0, updated_at=0, process_types={}),
    ("guid", "created_at", "updated_at", "process_types", "package"),
)

PACKAGE = ShortForm(
    "a package",
    (
        *PART_KEYS,
        FormKey(
            "state",
            ChoiceKind(("READY", "FAILED", "EXPIRED", "AWAITING_UPLOAD", "PROCESSING_UPLOAD", "COPYING")),
            "READY, FAILED, EXPIRED, AWAITING_UPLOAD, PROCESSING_UPLOAD or COPYING.",
            "READY",
        ),
        FormKey(
            "type",
            NullableKind(ChoiceKind(("bits", "docker"))),
            "bits or docker; null is what the app's lifecycle takes.",
            "null",
        ),
        FormKey("image", NullableKind(NAME), "The image of a docker package; null shows the app's name.", "null"),
        FormKey("username", NullableKind(NAME), "The user that its image is fetched as.", "null"),
        FormKey("error", ERROR, "Why its upload failed.", "null"),
        METADATA_KEY,
    ),
    Package(guid="", created_at=0, updated_at=0),
    ("guid", "created_at", "updated_at", "state"),
)

REVISION = ShortForm(
    "a revision",
    (
        *PART_KEYS,
        FormKey("version", IntegerKind(1, MAX_VERSION), "Its number.", "one more than the last", role="identity"),
        FormKey("description", TextKind(0, 5000), "Why it was made.", "Initial revision. / New droplet deployed."),
        FormKey("droplet", NullableKind(PART_GUID), "The guid of its droplet; null is the app's current one.", "null"),
        FormKey(
            "processes",
            NullableKind(TableKind(NAME, NullableKind(COMMAND))),
            "The commands of its processes, by type; null shows the app's.",
            "null",
        ),
        FormKey(
            "environment_variables",
            NullableKind(TableKind(NAME, JsonKind())),
            "Its environment variables, by name; null shows the app's.",
            "null",
        ),
        METADATA_KEY,
    ),
    Revision(guid="", created_at=0, updated_at=0, version=1),
    ("guid", "created_at", "updated_at", "version", "description"),
)

TASK = ShortForm(
    "a task",
    (
        *PART_KEYS,
        FormKey("sequence_id", POSITIVE, "Its number.", "one more than the last", role="identity"),
        FormKey("name", NAME, "Its name.", "`task-` and its number"),
        FormKey("command", COMMAND, "What it runs.", "./task"),
        FormKey(
            "state",
            ChoiceKind(("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELING")),
            "PENDING, RUNNING, SUCCEEDED, FAILED or CANCELING.",
            "RUNNING",
        ),
        FormKey(
            "seconds",
            NullableKind(SPAN),
            "How long after `updated_at`, else after now, it SUCCEEDED, or FAILED if it is CANCELING; null: never.",
            "null",
        ),
        FormKey("failure_reason", NullableKind(TextKind(0, 4096, takes_control_signs=True)), "Why it failed.", "null"),
        FormKey("user", NullableKind(NAME), "The user that runs it; null shows the lifecycle's.", "null"),
        FormKey("memory_in_mb", POSITIVE, "Its memory.", "1024"),
        FormKey("disk_in_mb", POSITIVE, "Its disk.", "1024"),
        FormKey("log_rate_limit_in_bytes_per_second", IntegerKind(-1, LARGEST_LONG), "Its log rate.", "-1"),
        FormKey("droplet", NullableKind(PART_GUID), "The guid of its droplet; null is the app's current one.", "null"),
        METADATA_KEY,
    ),
    Task(guid="", sequence_id=1, name="", command="", created_at=0, updated_at=0),
    ("guid", "created_at", "updated_at", "sequence_id", "name", "command", "state"),
)

ROUTE_KEYS = (
    *COMMON_KEYS,
    FormKey(
        "host",
        TextKind(0, 63, r"\S*", "at most 63 signs, none of them blank"),
        "Its host.",
        "the app's name; none beside a port or no app",
    ),
    FormKey(
        "domain", TextKind(3, 253, r"[^\s/:]+", "a domain such as apps.example.com"), "Its domain.", DEFAULT_DOMAIN
    ),
    FormKey("path", TextKind(0, 128, r"(?:/\S+)?", "a path such as /api, or none"), "Its path.", "none"),
    FormKey("port", NullableKind(IntegerKind(1, 65_535)), "Of a TCP route: its port.", "null"),
    FormKey("options", NullableKind(TableKind(NAME, TextKind(0, 1000))), "Shown unless they are null.", "null"),
    METADATA_KEY,
)

ROUTE = Form(
    "a route",
    (
        *ROUTE_KEYS,
        FormKey("process_type", NAME, "The type of the processes that it leads to.", "web", role="part"),
        FormKey(
            "app_port",
            NullableKind(IntegerKind(1, 65_535)),
            "Their port; null shows 8080.",
            "null",
            role="part",
        ),
        FormKey("protocol", ChoiceKind(("http1", "http2", "tcp")), "http1, http2 or tcp.", "http1", role="part"),
        FormKey("weight", NullableKind(IntegerKind(1, 100)), "Shown as it is.", "null", role="part"),
    ),
)
"""A route under an app: two apps, or two types of processes of one, may have the same."""

ROUTE_WITHOUT_APP = ShortForm(
    "a route that leads to no app",
    ROUTE_KEYS,
    RouteModel(guid="", space="", host="", domain="", created_at=0, updated_at=0),
    ("guid", "created_at", "updated_at", "host", "domain", "path"),
)
