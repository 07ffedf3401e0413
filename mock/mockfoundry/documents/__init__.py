"""Documents: files that people write (scenarios, seeds), read with the place of everything. Knows no format of ours."""

from mockfoundry.documents.durations import duration, duration_text
from mockfoundry.documents.nodes import Entry, Items, Mapping, Node, Scalar, nearest, plain_data, read_nodes
from mockfoundry.documents.problems import DocumentError, Problem, did_you_mean
from mockfoundry.documents.written import Written

__all__ = [
    "DocumentError",
    "Entry",
    "Items",
    "Mapping",
    "Node",
    "Problem",
    "Scalar",
    "Written",
    "did_you_mean",
    "duration",
    "duration_text",
    "nearest",
    "plain_data",
    "read_nodes",
]
