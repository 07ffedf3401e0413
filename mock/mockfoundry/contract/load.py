"""Loading a contract: an OpenAPI document read, validated, resolved by connexion and compiled. Never serves anything.

openapi-spec-validator takes long, so it does not run for a document that is shipped: `make contract` runs it and seals
the document, which means that its SHA-256 digest is written to a file. A test fails if that was forgotten.
"""

import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from mockfoundry.contract.plan import ContractError, Plan, compile_plan
from mockfoundry.contract.routes import RouteTable
from mockfoundry.shipped import CONTRACT_FILE, CONTROL_CONTRACT_FILE

with warnings.catch_warnings():
    # connexion imports starlette's test client, which warns that it would like httpx2; nothing here uses it.
    warnings.simplefilter("ignore")
    from connexion.exceptions import InvalidSpecification
    from connexion.middleware.abstract import AbstractRoutingAPI
    from connexion.operations import AbstractOperation
    from connexion.resolver import Resolution, Resolver
    from connexion.spec import OpenAPISpecification


@dataclass(frozen=True, slots=True)
class Contract:
    """An OpenAPI document, compiled.

    Attributes:
        source: the file it came from.
        text: the file's text.
        title, version: from its `info`.
        plans: by operationId.
        specification: connexion's form of it, for connexion's own routing.
    """

    source: Path
    text: str
    title: str
    version: str
    plans: Mapping[str, Plan]
    routes: RouteTable
    specification: OpenAPISpecification


class OperationIdResolver(Resolver):  # type: ignore[misc]
    """Resolves every operation to its name, since no function is called through connexion."""

    def resolve(self, operation: AbstractOperation) -> Resolution:
        name = operation.operation_id or f"{operation.method.upper()} {operation.path}"
        return Resolution(name, name)


class ValidatedSpecification(OpenAPISpecification):  # type: ignore[misc]
    """connexion's specification without its own validation, which openapi-spec-validator has done before."""

    @classmethod
    def _validate_spec(cls, spec: Mapping[str, Any]) -> None:
        """Checks nothing."""


class PlanCompiler(AbstractRoutingAPI):  # type: ignore[misc]
    """Compiles connexion's operation objects, which its routing gives one by one, into plans."""

    def __init__(self, specification: OpenAPISpecification) -> None:
        self.plans: dict[str, Plan] = {}
        super().__init__(specification, resolver=OperationIdResolver())

    def make_operation(self, operation: AbstractOperation) -> Plan:
        return compile_plan(operation, self.base_path, self.specification.components)

    @staticmethod
    def _framework_path_and_name(operation: AbstractOperation, path: str) -> tuple[str, str]:
        return path, operation.operation_id

    def _add_operation_internal(self, method: str, path: str, operation: Plan, name: str | None = None) -> None:
        if operation.operation in self.plans:
            raise ContractError(f"operationId {operation.operation!r} is used twice; each must be unique")
        self.plans[operation.operation] = operation


def load_contract(source: Path) -> Contract:
    """The contract in a file, validated by openapi-spec-validator and compiled.

    Raises:
        ContractError: the file is missing, is not YAML, is not OpenAPI 3.0, or does not hold as such.
    """
    text, document = read_document(source)
    if not is_sealed(text):
        check_document(source, document)
    try:
        specification = ValidatedSpecification(stringify_keys(document), base_uri=f"{source.parent}/")
        plans = PlanCompiler(specification).plans
    except (ContractError, InvalidSpecification, KeyError, TypeError, ValueError) as error:
        raise ContractError(f"{source}: {error}") from error
    info = document["info"]
    return Contract(source, text, str(info["title"]), str(info["version"]), plans, RouteTable(plans), specification)


def read_document(source: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ContractError(f"{source}: can't be read: {reason}") from error
    try:
        # libyaml is ten times as fast, where it is there; both load plain values only.
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else f"{source}"
        raise ContractError(f"{place}: is not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ContractError(f"{source}: is not YAML: {error}") from error
    version = document.get("openapi") if isinstance(document, dict) else None
    if not str(version).startswith("3.0."):
        raise ContractError(f"{source}: must be an OpenAPI 3.0 document; its `openapi:` is {version!r}")
    return text, document


def check_document(source: Path, document: Mapping[str, Any]) -> None:
    """Raises ContractError with the first thing that openapi-spec-validator does not accept, and its place."""
    from openapi_spec_validator import OpenAPIV30SpecValidator

    for error in OpenAPIV30SpecValidator(stringify_keys(document)).iter_errors():
        place = "/".join(str(step) for step in getattr(error, "absolute_path", ()))
        reason = str(getattr(error, "message", error)).splitlines()[0]
        raise ContractError(f"{source}: at /{place}: {reason}")


def stringify_keys(node: Any) -> Any:
    """YAML reads a status as a number; the document's keys are text, as in JSON."""
    if isinstance(node, dict):
        return {str(key): stringify_keys(value) for key, value in node.items()}
    if isinstance(node, list):
        return [stringify_keys(item) for item in node]
    return node


SEAL_FILE = Path(__file__).with_name("validated.sha256")
"""A line for each shipped document: its digest and its name, as sha256sum writes them."""


def compute_digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def is_sealed(text: str) -> bool:
    """Whether this very text was validated before it was shipped."""
    return compute_digest(text) in SEAL_FILE.read_text(encoding="ascii").split()


def seal_contracts() -> None:
    """Validates the shipped documents and seals them."""
    lines = []
    for name, file in (("openapi.yaml", CONTRACT_FILE), ("control/openapi.yaml", CONTROL_CONTRACT_FILE)):
        text, document = read_document(file)
        check_document(file, document)
        lines.append(f"{compute_digest(text)}  {name}\n")
        sys.stdout.write(f"{name} is valid, and sealed\n")
    SEAL_FILE.write_text("".join(lines), encoding="ascii")
