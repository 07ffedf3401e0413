"""Keys of a seed that many entities have, and the kinds of values that they hold. Never knows an entity.

The rooms whose names end with `_forms` have the forms of entities, `format` that of a whole seed.
"""

from mockfoundry.cloudfoundry.api.metadata import find_key_error, find_label_value_error
from mockfoundry.cloudfoundry.model import LARGEST_INTEGER
from mockfoundry.cloudfoundry.seeds.kinds import MetadataTextKind, SpanKind
from mockfoundry.cloudfoundry.seeds.snapshot import MOMENT
from mockfoundry.documents.declare import Form, FormKey, NullableKind
from mockfoundry.documents.kinds import BooleanKind, IntegerKind, TableKind, TextKind

GUID = TextKind(1, 255, r"[A-Za-z0-9_-]+", "1 to 255 letters, digits, '-' or '_'")
NAME = TextKind(1, 255)
COUNT = IntegerKind(0, LARGEST_INTEGER)
POSITIVE = IntegerKind(1, LARGEST_INTEGER)
LIMIT = NullableKind(COUNT)
SPAN = SpanKind()
BOOLEAN = BooleanKind()

EACH = "*"
"""In place of a name: each one that is there (in `given:` only)."""

COMMON_KEYS = (
    FormKey("guid", GUID, "Its guid.", "from the random seed", role="identity"),
    FormKey("created_at", MOMENT, "When it was created.", "a day before the world begins"),
    FormKey("updated_at", MOMENT, "When it was last changed.", "`created_at`"),
)

WRITTEN_TEXT = TextKind(0, 5000, takes_control_signs=True)
METADATA = Form(
    "metadata",
    (
        FormKey(
            "labels",
            TableKind(
                MetadataTextKind(find_key_error, "the key of a label"),
                MetadataTextKind(find_label_value_error, "the value of a label"),
            ),
            "Labels, by their keys.",
            "none",
        ),
        FormKey(
            "annotations",
            TableKind(MetadataTextKind(find_key_error, "the key of an annotation"), WRITTEN_TEXT),
            "Annotations, by their keys.",
            "none",
        ),
    ),
)

METADATA_KEY = FormKey("metadata", METADATA, "`labels` and `annotations`.", "none", role="flat")
