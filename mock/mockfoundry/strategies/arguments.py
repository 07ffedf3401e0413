"""Arguments: what a strategy was asked for, held against the contract as soon as it is made. Never draws."""

from collections.abc import Collection, Sequence
from functools import cache

from hypothesis.errors import InvalidArgument

from mockfoundry import shipped
from mockfoundry.contract import Contract, Plan, brief, load_contract
from mockfoundry.documents import did_you_mean


@cache
def shipped_contract() -> Contract:
    """The contract that ships with mockfoundry, loaded when it is first needed."""
    return load_contract(shipped.CONTRACT)


def plan_of(place: str, operation: str, contract: Contract) -> Plan:
    """The plan of an operation.

    Args:
        place: what the error begins with.

    Raises:
        InvalidArgument: the contract has no such operation.
    """
    if operation not in contract.plans:
        hint = did_you_mean(operation, contract.plans)
        text = f'{place}: "{brief(operation)}" is not an operation of the contract{hint}'
        raise InvalidArgument(f"{text} (mockfoundry operations lists them)")
    return contract.plans[operation]


def one_or_many(value: str | Sequence[str]) -> tuple[str, ...]:
    """Words in their order, each once; one word stands for itself."""
    return (value,) if isinstance(value, str) else tuple(dict.fromkeys(value))


def must_be_words(place: str, found: Collection[str], allowed: Collection[str]) -> None:
    """Raises InvalidArgument with the first word that is not allowed."""
    for word in found:
        if word not in allowed:
            hint = did_you_mean(str(word), allowed)
            raise InvalidArgument(f'{place}: "{brief(word)}" is not allowed{hint}')


def must_be_whole(place: str, found: int, least: int, most: int = 10_000) -> None:
    """Raises InvalidArgument where a number is no whole one between bounds."""
    if type(found) is not int or not least <= found <= most:
        raise InvalidArgument(f"{place}: {brief(found)} is not a whole number from {least} to {most}; give one")
