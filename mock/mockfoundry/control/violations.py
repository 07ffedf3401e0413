"""Violations of a control call in words: where, what was found, what is allowed. Never looks for one."""

from mockfoundry.contract.large_values import take_head
from mockfoundry.contract.plan import MORE, Violation, value_to_json
from mockfoundry.control.context import ControlProblem
from mockfoundry.documents.problems import did_you_mean, list_first

WHERE_DESCRIBED = "GET /__mock/openapi.yaml describes what is allowed"


def refuse_violations(violations: tuple[Violation, ...], parameters: tuple[str, ...] = ()) -> None:
    """Raises ControlProblem (400) where there are violations, with a line for each.

    Args:
        parameters: the query parameters that the call takes.
    """
    if violations:
        lines = [line for each in violations for line in describe_control_violation(each, parameters)]
        end = " " if lines[-1].endswith("?") else "; "
        raise ControlProblem(400, "not-as-described", "\n".join(lines) + end + WHERE_DESCRIBED)


def describe_control_violation(violation: Violation, parameters: tuple[str, ...]) -> list[str]:
    """A violation in lines for the person who sent it: where, what was found, what is allowed."""
    if violation.keyword == MORE:
        return [str(violation)]
    place, limit, found = violation.place, violation.limit, value_to_json(take_head(violation.value, 200))[:200]
    in_body = place == "body"
    where = f"{place} {violation.pointer if in_body else violation.pointer[1:]}".strip()
    match violation.keyword:
        case "additionalProperties":
            what = "property" if in_body else "parameter"
            allowed = violation.allowed if in_body else parameters
            before = f"{where}/" if violation.pointer else f"{where} /" if in_body else f"{where} "
            return list_first(
                limit, lambda name: f"{before}{name[:80]}: is not a {what} of this call{did_you_mean(name, allowed)}"
            )
        case "required":
            return [
                f"{where}{'' if violation.pointer else ' '}/{limit}: is missing" if in_body else f"{where}: is missing"
            ]
        case "type":
            return [f"{where}: {violation.describe().removeprefix(f'{place} {violation.pointer or chr(47)}: ')}"]
        case "enum":
            return [f"{where}: {found} is not one of {', '.join(map(str, limit))}"]
        case "pattern":
            return [f"{where}: {found} does not match {limit}"]
        case "minimum" | "maximum":
            relation = "less" if violation.keyword == "minimum" else "greater"
            return [f"{where}: {found} is {relation} than the {violation.keyword}, {limit}"]
        case "oneOf":
            return [f"{where}: {found} has none of the forms that are allowed"]
        case "minProperties" | "minItems" | "minLength":
            return [f"{where}: {found} is too short; it needs {limit} at least"]
        case keyword:
            return [f"{where}: {found} breaks {keyword} {value_to_json(limit)}"]
