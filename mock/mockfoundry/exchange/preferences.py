"""Preferences: `Prefer: code=409` and `Prefer: example=NAME`, which ask for one of the contract's answers.

Never changes the world. The form is RFC 7240's.
"""

from typing import Any, NamedTuple

from mockfoundry.cloudfoundry.errors import CatalogueEntry, Refusal
from mockfoundry.contract.plan import DocumentedResponse, Plan, shorten_value

UNKNOWN_PREFERENCE = CatalogueEntry("Mock-UnknownPreference", 990003, 400, "")


class PreferredResponse(NamedTuple):
    """A documented answer that was asked for.

    Attributes:
        applied_preference: for `Preference-Applied`.
    """

    documented: DocumentedResponse
    body: Any
    applied_preference: str


def find_preferred_response(plan: Plan, header: str) -> PreferredResponse | None:
    """The answer that a `Prefer` header asks for; None where it asks for nothing that is ours. The first wish counts.

    Raises:
        Refusal: 400, where the contract does not document it; the text lists what it does.
    """
    wishes = {
        name.strip().lower(): value.strip().strip('"')
        for wish in reversed(header.replace(";", ",").split(","))
        for name, _, value in (wish.partition("="),)
    }
    code, example = wishes.get("code"), wishes.get("example")
    if code is None and example is None:
        return None
    if code is None:
        found = plan.example(example or "")
        if found is None:
            raise unknown_preference(plan, f"example {shorten_value(example)!r}")
        return PreferredResponse(found[0], found[1], f"example={example}")
    documented = plan.responses.get(int(code)) if code.isascii() and code.isdigit() and len(code) == 3 else None
    if documented is None:
        raise unknown_preference(plan, f"answer {shorten_value(code)}")
    if example is None:
        return PreferredResponse(documented, first_example_of(documented), f"code={code}")
    if example not in documented.examples:
        raise unknown_preference(plan, f"example {shorten_value(example)!r} of {code}")
    return PreferredResponse(documented, documented.examples[example], f"code={code}, example={example}")


def first_example_of(documented: DocumentedResponse) -> Any:
    """The first example of a documented answer, None where it has none."""
    return next(iter(documented.examples.values()), None)


def unknown_preference(plan: Plan, what: str) -> Exception:
    documented = "; ".join(
        f"{status} ({', '.join(answer.examples) or 'no body'})" for status, answer in sorted(plan.responses.items())
    )
    return Refusal(
        UNKNOWN_PREFERENCE,
        f"The contract documents no {what} of {plan.operation}; it documents {documented}",
        why="prefer: not documented",
    )
