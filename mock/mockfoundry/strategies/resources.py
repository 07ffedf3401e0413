"""Resources: processes as the contract shows them, and the bodies that scale one. Never asks a server."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from mockfoundry.contract import Contract, Schema
from mockfoundry.strategies.arguments import plan_of, shipped_contract
from mockfoundry.strategies.schema_values import fitting, misfits


def processes(contract: Contract | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Processes as the answer to getProcess shows them, for tests that stub their own client.

    Every one that the contract allows may come, among them such as the Cloud Controller never had: a client that
    reads by the documentation reads them all.

    Args:
        contract: the shipped one unless given.

    Raises:
        InvalidArgument: the contract has no getProcess, or its schema has what can't be drawn.
    """
    plan = plan_of("processes(contract=…)", "getProcess", contract or shipped_contract())
    return fitting(given(plan.responses[plan.success].body, "processes(): the answer to getProcess").source, "process")


def scale_bodies(valid: bool = True, contract: Contract | None = None) -> st.SearchStrategy[Any]:
    """Bodies for a scale.

    A valid one is allowed by the contract; a quota may still refuse it. An invalid one is refused by the contract and
    by the Cloud Controller, which takes more than it documents: null and a number in quotes are never among them. The
    simplest invalid one is an empty list, the simplest mapping has one number that is just too small.

    Args:
        valid: whether they are to be accepted.
        contract: the shipped one unless given.

    Raises:
        InvalidArgument: the contract has no scaleProcess, or its schema has what can't be drawn.
    """
    plan = plan_of("scale_bodies(contract=…)", "scaleProcess", contract or shipped_contract())
    schema = given(plan.body, "scale_bodies(): the body of scaleProcess")
    good = fitting(schema.source, "body")
    if valid:
        return good
    fields = schema.source.get("properties", {})
    broken = [st.fixed_dictionaries({name: misfits(each, f"body/{name}")}) for name, each in fields.items()]
    if schema.source.get("additionalProperties") is False and fields:
        broken.append(st.dictionaries(misspelt(sorted(fields)), st.integers(0, 9), min_size=1, max_size=2))
    kinds: list[st.SearchStrategy[Any]] = [st.builds(lambda these, those: {**these, **those}, good, st.one_of(broken))]
    kinds.append(st.lists(good, max_size=2))
    return st.one_of(kinds).filter(lambda body: not schema.accepts(body))


def misspelt(names: list[str]) -> st.SearchStrategy[str]:
    """Names of fields with something at their end that does not belong there."""
    ends = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=3)
    longer = st.tuples(st.sampled_from(names), ends).map("".join)
    return longer.filter(lambda name: name not in names)


def given(schema: Schema | None, place: str) -> Schema:
    """A schema that the contract has to have."""
    if schema is None:
        raise InvalidArgument(f"{place} has no schema in the contract; give it one")
    return schema
