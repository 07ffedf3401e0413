"""Metadata merging: a resource with the labels and annotations that a message gives. Never judges their form.

Source: cloud_controller_ng, app/actions/metadata_update.rb, labels_update.rb and annotations_update.rb.
"""

from typing import Any, TypeVar

import msgspec

from mockfoundry.cloudfoundry.api.messages import refuse_unexpected
from mockfoundry.cloudfoundry.api.metadata import format_like_ruby
from mockfoundry.cloudfoundry.errors import (
    ANNOTATION_LIMIT_EXCEEDED,
    LABEL_LIMIT_EXCEEDED,
    CatalogueEntry,
    Refusal,
)

MAX_LABELS = 50
MAX_ANNOTATIONS = 200

ResourceT = TypeVar("ResourceT", bound=msgspec.Struct)


def apply_metadata(resource: ResourceT, metadata: Any) -> ResourceT:
    """A resource with the labels and annotations of a message.

    Args:
        resource: has the attributes `labels` and `annotations`.
        metadata: of a sound message; None where it has none.

    Raises:
        Refusal: 422, where there are too many; 500, where the database does not take a value.
    """
    if not metadata:
        return resource
    held: Any = resource
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    new_labels = merge_metadata(held.labels, labels, LABEL_LIMIT_EXCEEDED, "labels", MAX_LABELS)
    if not {bool, float, dict, list}.isdisjoint(map(type, annotations.values())):
        raise refuse_unexpected("an annotation that is no text")
    new_annotations = merge_metadata(
        held.annotations, annotations, ANNOTATION_LIMIT_EXCEEDED, "annotations", MAX_ANNOTATIONS
    )
    return msgspec.structs.replace(resource, labels=new_labels, annotations=new_annotations)


def merge_metadata(
    current: dict[str, str], changes: dict[str, Any], error: CatalogueEntry, kind: str, maximum: int
) -> dict[str, str]:
    """Labels or annotations after a change: null removes one, and those that are not named stay.

    Raises:
        Refusal: 422, where there are more than before and more than the maximum.
    """
    added = {name: value for name, value in changes.items() if value is not None}
    kept = {name: value for name, value in current.items() if name in added or name not in changes}
    count = len(kept.keys() | added)
    if len(current) < count and count > maximum:
        raise Refusal(error, f"Failed to add {len(changes)} {kind} because it would exceed maximum of {maximum}")
    return {**kept, **{name: format_like_ruby(value) for name, value in added.items()}}
