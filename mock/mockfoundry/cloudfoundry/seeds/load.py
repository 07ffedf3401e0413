"""The form of a load: what all instances of a process have to do together. Never computes one."""

from mockfoundry.cloudfoundry.model import LARGEST_INTEGER
from mockfoundry.cloudfoundry.seeds.kinds import BuiltKind, SpanKind
from mockfoundry.cloudfoundry.seeds.values import build_load, write_load
from mockfoundry.documents.declare import Form, FormKey
from mockfoundry.documents.kinds import IntegerKind, ListKind, NumberKind

COUNT = IntegerKind(0, LARGEST_INTEGER)
SPAN = SpanKind()
CORES = NumberKind(0, 1_000_000)
LOAD_STEP = Form(
    "a step of a load",
    (
        FormKey("at", SPAN, "When it begins, counted from the beginning of the world.", required=True),
        FormKey("total_cpu", CORES, "How many cores the load is from then on.", required=True),
    ),
)
SINE = Form(
    "a sine",
    (
        FormKey("mean", CORES, "The cores around which it swings.", required=True),
        FormKey("amplitude", CORES, "How many cores it swings up and down.", required=True),
        FormKey("period", SPAN, "How long one swing takes.", required=True),
    ),
)
OVERLOAD = Form(
    "an overload",
    (
        FormKey(
            "crash_above",
            CORES,
            "If the load of each instance is above so many cores, all instances crash. They keep crashing until there "
            "are enough of them, or the load is lower.",
            "null",
        ),
    ),
)
LOAD_FORM = Form(
    "a load",
    (
        FormKey("total_cpu", CORES, "A constant load."),
        FormKey("steps", ListKind(LOAD_STEP, 1000), "A load that changes: a list of `at` and `total_cpu`.", "none"),
        FormKey("sine", SINE, "A load that swings, on top of the steps.", "none"),
        FormKey("memory_per_cpu_in_mb", COUNT, "The memory that each core of the load takes.", "0"),
        FormKey("overload", OVERLOAD, "When the load makes instances crash.", "never"),
    ),
)
LOAD = BuiltKind(LOAD_FORM, build_load, write_load)
