"""Names: for foundations that nobody named. Never the same twice, on whatever machines the tests run."""

import uuid


def fresh_name() -> str:
    """A name that no other foundation has."""
    return f"f-{uuid.uuid4().hex[:20]}"
