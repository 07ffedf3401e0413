"""Loading a contract: an OpenAPI document read, validated and compiled, or found compiled. Never serves anything.

openapi-spec-validator and connexion take long, so they do not run for a document that is shipped: `make contract` runs
them and seals the document, which means that its SHA-256 digest and its plans are written to files. A test fails if
that was forgotten. What is compiled of any other document is kept in the user's cache. Both, and what reads YAML, are
imported only when there is nothing to be found.
"""

import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mockfoundry.contract.cache import (
    CompiledContract,
    compute_cache_key,
    decode_compiled,
    encode_compiled,
    keep_contract,
    read_kept_contract,
)
from mockfoundry.contract.files import compute_digest, read_contract_text
from mockfoundry.contract.plan import (
    ContractError,
    Plan,
    PlanTable,
    RoutePattern,
    name_steps,
    shorten_value,
    value_at_path,
)
from mockfoundry.contract.routes import RouteTable
from mockfoundry.contract.schemas import reference_of, select_definitions
from mockfoundry.shipped import CONTRACT_FILE, CONTROL_CONTRACT_FILE, PLATFORM_CONTRACT_FILE

if TYPE_CHECKING:
    from mockfoundry.contract.references import Bundle

LONG_TEXT = 256 * 1024
"""The length from which validating a document takes so long that it is said."""

log = logging.getLogger("mockfoundry")


class Contract(msgspec.Struct, frozen=True):
    """An OpenAPI document, compiled.

    Attributes:
        source: the file it came from.
        text: the file's text.
        title, version: from its `info`.
        patterns: where each is found, in the order of the document.
        plans: by operationId.
        broken_examples: a line for each of the document's own examples that breaks its schema.
    """

    source: Path
    text: str
    title: str
    version: str
    patterns: tuple[RoutePattern, ...]
    plans: PlanTable
    routes: RouteTable
    broken_examples: tuple[str, ...] = ()


def load_contract(source: Path) -> Contract:
    """The contract in a file: as it was compiled before, or validated by openapi-spec-validator and compiled.

    Raises:
        ContractError: the file is missing, is not YAML, is not OpenAPI 3.0, or does not hold as such.
    """
    text = read_contract_text(source)
    sealed = read_sealed_contract(text)
    if sealed is not None:
        compiled = sealed
    else:
        key = compute_cache_key(text)
        kept = read_kept_contract(key)
        if kept is None or not has_same_files(source, kept.files):
            kept = validate_contract(source, text)
            keep_contract(key, kept)
        compiled = kept
    try:
        routes = RouteTable(compiled.patterns, compiled.plans)
    except ContractError as error:
        raise ContractError(f"{source}: {error}") from error
    return Contract(
        source,
        text,
        compiled.title,
        compiled.version,
        compiled.patterns,
        compiled.plans,
        routes,
        compiled.broken_examples,
    )


def join_contracts(contract: Contract, platform: Contract) -> Contract:
    """One contract with the operations of two; the rest of it is the first's.

    Raises:
        ContractError: they share a route or an operationId.
    """
    shared = sorted(contract.plans.keys() & platform.plans.keys())
    try:
        if shared:
            raise ContractError(f"both have the operationId {shared[0]}; rename one of them")
        patterns, plans = contract.patterns + platform.patterns, contract.plans.join(platform.plans)
        return msgspec.structs.replace(contract, patterns=patterns, plans=plans, routes=RouteTable(patterns, plans))
    except ContractError as error:
        raise ContractError(f"{contract.source} and {platform.source}: {error}") from error


def has_same_files(source: Path, files: Mapping[str, str]) -> bool:
    """Whether the files that a contract refers to are still what they were when it was compiled."""
    folder = source.parent.resolve()
    try:
        return all(
            (folder / name).resolve().is_relative_to(folder)
            and compute_digest(read_contract_text(folder / name)) == digest
            for name, digest in files.items()
        )
    except (ContractError, OSError, RuntimeError):
        return False


def validate_contract(source: Path, text: str) -> CompiledContract:
    """The contract in a text, compiled after all of it was checked: the document, its schemas, and its examples.

    Raises:
        ContractError: it does not hold.
    """
    from mockfoundry.contract.compile import mark_broken_examples, must_compile
    from mockfoundry.contract.read import parse_document
    from mockfoundry.contract.references import bundle_document

    if len(text) >= LONG_TEXT:
        size = f"{len(text) / 1e6:.1f} MB"
        log.warning("validating %s (%s), which takes a while; it is kept, so later starts need not", source, size)
    bundle = bundle_document(source, parse_document(text, source))
    check_document(source, bundle.document, bundle.targets)
    compiled = compile_contract(source, bundle)
    plans, broken = [], []
    for plan in compiled.plans.values():
        try:
            must_compile(plan)
        except ContractError as error:
            raise ContractError(f"{source}: {error}") from error
        marked, lines = mark_broken_examples(plan)
        plans.append(marked)
        broken += lines
    return msgspec.structs.replace(compiled, plans=make_plan_table(plans), broken_examples=tuple(broken))


def compile_contract(source: Path, bundle: "Bundle") -> CompiledContract:
    """The plans of a valid document.

    Raises:
        ContractError: an operation can't be served.
    """
    from mockfoundry.contract.compile import compile_plans, iterate_schemas
    from mockfoundry.contract.references import resolve_operations

    try:
        plans = compile_plans(resolve_operations(bundle), bundle.targets).values()
    except ContractError as error:
        raise ContractError(f"{source}: {error}") from error
    schemas = [schema.raw for plan in plans for _, schema in iterate_schemas(plan)]
    definitions = dict(sorted(select_definitions({"allOf": schemas}, bundle.targets).items()))
    info = bundle.document["info"]
    title, version = (make_printable(str(info[key])) for key in ("title", "version"))
    patterns = tuple(plan.pattern for plan in plans)
    return CompiledContract(title, version, patterns, make_plan_table(plans), definitions, bundle.files, ())


def make_plan_table(plans: Iterable[Plan]) -> PlanTable:
    return PlanTable({plan.operation: plan for plan in plans})


def make_printable(text: str) -> str:
    """A text in one line, for a screen."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def check_document(source: Path, document: Mapping[str, Any], targets: Mapping[str, Any] | None = None) -> None:
    """Raises ContractError with the first thing that openapi-spec-validator does not accept, and its place."""
    from openapi_spec_validator import OpenAPIV30SpecValidator

    try:
        for error in OpenAPIV30SpecValidator(document).iter_errors():
            place, reason = describe_deepest(error)
            raise ContractError(f"{source}: at /{place}: {reason}")
    except RecursionError as error:
        text = "its references lead into themselves in a way that openapi-spec-validator can't follow"
        loop = find_composition_loop(targets or {})
        if loop:
            text += f": {' → '.join(loop)}, each by allOf, oneOf, anyOf or not"
        raise ContractError(f"{source}: {text}") from error


def describe_deepest(error: Exception) -> tuple[str, str]:
    """Where in a document the deepest of an error's reasons is, and that reason in a line.

    Wherever OpenAPI allows a reference, an error is that of a oneOf, and says nothing of what is wrong in it.
    """
    place = list(getattr(error, "absolute_path", ()))
    again = find_error_again(error, place)
    found: Any = again or error
    while getattr(found, "context", None):
        found = max(found.context, key=lambda each: len(each.absolute_path))
    inside = list(getattr(found, "absolute_path", ()))
    place = place + inside if again else inside
    reason = str(getattr(found, "message", found)).splitlines()[0]
    if getattr(found, "validator", None) == "enum":
        reason = f"{found.instance!r} is not one of {', '.join(map(str, found.validator_value))}"
    return "/".join(map(str, place)), shorten_value(reason, 300)


def find_error_again(error: Any, place: list[str | int]) -> Any:
    """The error of a part of a document with all its reasons, where the validator tells of none; None otherwise."""
    from jsonschema import Draft4Validator

    steps = list(getattr(error, "absolute_schema_path", ()))
    if not steps or steps[-1] not in ("oneOf", "anyOf") or error.context:
        return None
    try:
        part = value_at_path(error.instance, name_steps(error.instance, place))
        schema = value_at_path(error.schema, steps[:-1])
    except (LookupError, TypeError):
        return None
    return next(Draft4Validator(error.schema).evolve(schema=schema).iter_errors(part), None)


def find_composition_loop(targets: Mapping[str, Any]) -> list[str]:
    """References of schemas each of which is a part of the one before, in a circle; empty if there are none."""

    def list_parts(schema: Any) -> Iterator[str]:
        parts = [part for key in ("allOf", "oneOf", "anyOf") for part in schema.get(key, ())]
        for part in [*parts, schema.get("not")]:
            if reference_of(part) is not None:
                yield part["$ref"]
            elif isinstance(part, Mapping):
                yield from list_parts(part)

    done: set[str] = set()
    for first in targets:
        path, waiting = [first], [list_parts(targets[first])]
        while waiting:
            inside = next(waiting[-1], None)
            if inside is None:
                waiting.pop()
                done.add(path.pop())
            elif inside in path:
                return [*path[path.index(inside) :], inside]
            elif inside not in done:
                path.append(inside)
                waiting.append(list_parts(targets[inside]))
    return []


SEAL_FILE = Path(__file__).with_name("validated.sha256")
"""A line for each shipped document: its digest and its name, as sha256sum writes them."""

SHIPPED = {
    "openapi.yaml": CONTRACT_FILE,
    "cloudfoundry/platform.yaml": PLATFORM_CONTRACT_FILE,
    "control/openapi.yaml": CONTROL_CONTRACT_FILE,
}


def read_seals() -> dict[str, str]:
    """The names of the sealed documents by their digests."""
    lines = SEAL_FILE.read_text(encoding="ascii").splitlines()
    return {digest: name for digest, _, name in (line.partition("  ") for line in lines)}


def compiled_file(name: str) -> Path:
    """Where the plans of a sealed document are."""
    return SEAL_FILE.with_name(f"{name.replace('/', '-')}.msgpack")


def read_sealed_contract(text: str) -> CompiledContract | None:
    """What was compiled of a text before it was shipped; None if it was not, or by other code than this."""
    name = read_seals().get(compute_digest(text))
    if name is None:
        return None
    try:
        return decode_compiled(compiled_file(name).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None


def seal_contracts() -> None:
    """Validates and compiles the shipped documents, and seals them."""
    lines = []
    for name, file in SHIPPED.items():
        text = read_contract_text(file)
        compiled_file(name).write_bytes(encode_compiled(validate_contract(file, text)))
        lines.append(f"{compute_digest(text)}  {name}\n")
        sys.stdout.write(f"{name} is valid, and sealed\n")
    SEAL_FILE.write_text("".join(lines), encoding="ascii")
