"""Levels: where a key belongs that stands in the wrong mapping of a document. Never reads a document.

It is looked for in the mappings around, then in those within, then in those beside: the nearest place first.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from mockfoundry.documents.wording import join_words

if TYPE_CHECKING:
    from mockfoundry.documents.declare import Form, Path

MAX_PLACES = 4
"""A key that has more nearest places than these says nothing of where it was meant."""


class Level(NamedTuple):
    """A mapping of a document that is read.

    Attributes:
        depth: how many steps lead to it.
    """

    form: "Form"
    depth: int


class KeyPlace(NamedTuple):
    """Where a key may stand.

    Attributes:
        keys: that lead there.
        noun: what the mapping is called that has it.
    """

    keys: tuple[str, ...]
    noun: str


def explain_level(
    name: str, given: Mapping[str, Any], path: "Path", levels: Sequence[Level], unnamed: Set[str] = frozenset()
) -> str:
    """Where a key belongs that the innermost mapping does not have; empty where nothing says it.

    Args:
        given: that mapping.
        path: that leads to it.
        levels: all mappings on that way, the outermost first.
        unnamed: keys that are not proposed.
    """
    *around, own = levels
    for outer in reversed(around):
        if name in outer.form.by_name:
            return f"it is one of {outer.form.noun}: write it beside {path[outer.depth]}"
    if name in unnamed:
        return ""
    within = [place for place in own.form.places.get(name, ()) if unnamed.isdisjoint(place.keys)]
    if within:
        return describe_places(within, given)
    if around:
        beside = path[around[-1].depth]
        places = [
            place
            for place in around[-1].form.places.get(name, ())
            if len(place.keys) == 1 and unnamed.isdisjoint(place.keys)
        ]
        found = describe_places(places, {})
        return f"{found}, beside {beside}" if found else ""
    return ""


def describe_places(places: Sequence[KeyPlace], given: Mapping[str, Any]) -> str:
    """The places as one looks for them; those that are there already before all others."""
    there = [place for place in places if place.keys[0] in given] or places
    nouns = list(dict.fromkeys(place.noun for place in there))
    if not there or len(there) > MAX_PLACES:
        return ""
    keys = ["/".join(place.keys) for place in (there if len(nouns) > 1 else there[:1])]
    return f"it is one of {join_words(nouns)}: write it under {join_words(keys)}"


def index_places(form: "Form") -> dict[str, tuple[KeyPlace, ...]]:
    """By the name of each key that mappings within one have: the nearest of these."""
    places: dict[str, tuple[KeyPlace, ...]] = {}
    seen: set[int] = set()
    level: list[tuple[tuple[str, ...], Form]] = [((), form)]
    while level:
        seen.update(id(each) for _, each in level)
        inner = [
            ((*keys, key.name), nested)
            for keys, outer in level
            for key in outer.keys
            for nested in list_forms(key.kind)
            if id(nested) not in seen
        ]
        found: dict[str, list[KeyPlace]] = {}
        for keys, nested in inner:
            for name in nested.by_name:
                found.setdefault(name, []).append(KeyPlace(keys, nested.noun))
        places = {**{name: tuple(there) for name, there in found.items()}, **places}
        level = inner
    return places


def list_forms(kind: object) -> Iterator["Form"]:
    """The forms that a value of a kind may have."""
    if is_form(kind):
        yield kind
        return
    for inner in ("kind", "form", "otherwise", "value"):
        nested = getattr(kind, inner, None)
        if hasattr(nested, "read"):
            yield from list_forms(nested)


def is_form(kind: object) -> TypeGuard["Form"]:
    return hasattr(kind, "by_name")
