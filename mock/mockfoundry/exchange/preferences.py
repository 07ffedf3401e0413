"""Preferences: `Prefer: code=409` and `Prefer: example=NAME`, which ask for a documented answer. Never answers.

Source: RFC 7240.
"""

from typing import NamedTuple

from mockfoundry.cloudfoundry.errors import CatalogueEntry, Refusal
from mockfoundry.contract.plan import DocumentedResponse, Plan, shorten_value
from mockfoundry.exchange.documented import EXAMPLE, DocumentedBody

UNKNOWN_PREFERENCE = CatalogueEntry("Mock-UnknownPreference", 990003, 400, "")


class PreferredResponse(NamedTuple):
    """A documented answer that was asked for.

    Attributes:
        body: None for the usual one.
        applied_preference: for `Preference-Applied`.
        reason: which preference decided, for `X-Mock-Why`.
    """

    documented: DocumentedResponse
    body: DocumentedBody | None
    applied_preference: str

    @property
    def reason(self) -> str:
        return f'prefer: "{self.applied_preference}"'


def find_preferred_response(plan: Plan, header: str) -> PreferredResponse | None:
    """The answer that a `Prefer` header asks for; None where it asks for neither a code nor an example.

    Of a repeated preference the first one counts.

    Raises:
        Refusal: 400, where the contract does not document it; the text lists what it does document.
    """
    preferences = {
        name.strip().lower(): value.strip().strip('"')
        for preference in reversed(header.replace(";", ",").split(","))
        for name, _, value in (preference.partition("="),)
    }
    code, example = preferences.get("code"), preferences.get("example")
    if code is None:
        return None if example is None else find_preferred_example(plan, example)
    known = code.isascii() and code.isdigit() and len(code) == 3 and "100" <= code < "600"
    documented = plan.find_response(int(code)) if known else None
    if documented is None:
        raise unknown_preference(plan, f"answer {shorten_value(code)}", f"code={code}")
    if example is None:
        return PreferredResponse(documented, None, f"code={code}")
    if example not in documented.examples:
        what = f"example {shorten_value(example)!r} of {code}"
        raise unknown_preference(plan, what, f"code={code}, example={example}")
    body = DocumentedBody(documented.examples[example], EXAMPLE)
    return PreferredResponse(documented, body, f"code={code}, example={example}")


def find_preferred_example(plan: Plan, name: str) -> PreferredResponse:
    """The example of that name, whichever status it is documented for.

    Raises:
        Refusal: 400, if there is none.
    """
    found = plan.example(name)
    if found is None:
        raise unknown_preference(plan, f"example {shorten_value(name)!r}", f"example={name}")
    return PreferredResponse(found[0], DocumentedBody(found[1], EXAMPLE), f"example={name}")


def unknown_preference(plan: Plan, what: str, preference: str) -> Refusal:
    """The refusal of a preference that the contract does not document, with a list of what it does document.

    Args:
        what: is not documented, in words.
        preference: as it was sent.
    """
    documented = "; ".join(
        f"{status} ({', '.join(answer.examples) or ('no example' if answer.media_types else 'no body')})"
        for status, answer in sorted(plan.responses.items())
    )
    text = f"The contract documents no {what} of {plan.operation}; it documents {documented}"
    return Refusal(UNKNOWN_PREFERENCE, text, why=f'prefer: "{shorten_value(preference)}" is not documented')
