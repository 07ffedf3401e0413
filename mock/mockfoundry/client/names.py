"""Names: fresh ones, never the same twice on whatever machines the tests run, and those that tests give.

Never knows what has one.
"""

import uuid


def fresh_name() -> str:
    """A name that no other foundation has."""
    return f"f-{uuid.uuid4().hex[:20]}"


def must_be_name(name: str, kind: str, mend: str) -> str:
    """A name, which is no empty text: that would name all there are.

    Args:
        kind: what it is a name of, for errors.
        mend: what else to give, for errors.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty.
    """
    if not isinstance(name, str):
        raise TypeError(f"{kind}: {name!r} is no name but a {type(name).__name__}; give its name, {mend}")
    if not name.strip():
        raise ValueError(f"{kind}: {name!r} is an empty name; give its name, {mend}")
    return name
