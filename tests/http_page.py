"""docs/http.md: the control API call by call, made from its contract; and what commands, Go and Java say in its place.

Tests run every line of it: `tests/control/test_http_page.py` those for a shell, `tests/clients/test_doors.py` the rest.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from mockfoundry.shipped import CONTROL_CONTRACT_FILE
from tests.serving import read_document

HTTP_PAGE = Path(__file__).parents[1] / "docs" / "http.md"

_HEAD = """\
# The control API, call by call

Under `/__mock/` a test talks to the mock itself, in any language. This page is made from
[the contract](../mock/mockfoundry/control/openapi.yaml) by `make documents`, and tests run every line of it. A server
shows its contract at `/__mock/openapi.yaml`.

The lines for a shell begin with the address of the server:

```sh
mockfoundry serve &
MOCK=http://127.0.0.1:8080
```

- **Bodies** are JSON. Where a seed or a scenario is sent, `Content-Type: application/yaml` sends YAML.
- **Errors** are `application/problem+json`. `detail` says where the fault is, what was found, what is allowed and what
  to do; nothing was changed then. `curl --fail-with-body` makes them an exit code.
- **A token** that the server was started with (`--control-token`) is sent as `-H "X-Mock-Control-Token: $TOKEN"`.
- **A foundation** that a call prepares (state, clock, scenario, token) is made if there is none, unless `If-Match: *`
  is sent.
- **Durations** are such as `250ms`, `2s`, `1m` or `1h`; times are in the form of RFC 3339.

The lines for Go and Java use the doors: one file each to copy, [mockfoundry.go](clients/mockfoundry.go) and
[MockfoundryExtension.java](clients/MockfoundryExtension.java). In both, `foundation` is the one that a test has been
given, `mockfoundry.New(t)` or a parameter `Foundation foundation`, and its name stands in place of `ci-42`. `server` is
`mockfoundry.Connect(url)` or `Server.shared()`. `Call` and `call` reach what has no method of its own; in Go, `answer`
is an `any` and `text` a `string`. [python.md](python.md) is the page for Python, [command-line.md](command-line.md) the
one for commands.
"""


class Lines(NamedTuple):
    """How a call is made without HTTP; a command is empty where there is none."""

    command: str
    go: str
    java: str


LINES = {
    "show_health": Lines(
        "mockfoundry health",
        'err := server.Call("GET", "/health", nil, &answer)',
        'Object answer = server.call("GET", "/health", null);',
    ),
    "show_document": Lines(
        "",
        'err := server.Call("GET", "/openapi.yaml", nil, &text)',
        'Object text = server.call("GET", "/openapi.yaml", null);',
    ),
    "show_contract": Lines(
        "",
        'err := server.Call("GET", "/contract.yaml", nil, &text)',
        'Object text = server.call("GET", "/contract.yaml", null);',
    ),
    "show_platform": Lines(
        "",
        'err := server.Call("GET", "/platform.yaml", nil, &text)',
        'Object text = server.call("GET", "/platform.yaml", null);',
    ),
    "list_library": Lines(
        "mockfoundry scenarios",
        'err := server.Call("GET", "/scenarios", nil, &answer)',
        'Object answer = server.call("GET", "/scenarios", null);',
    ),
    "show_all_coverage": Lines(
        "mockfoundry coverage --operation scaleProcess",
        'err := server.Call("GET", "/coverage?operation=scaleProcess", nil, &answer)',
        'Object answer = server.call("GET", "/coverage?operation=scaleProcess", null);',
    ),
    "show_metrics": Lines(
        "",
        'err := server.Call("GET", "/metrics", nil, &text)',
        'Object text = server.call("GET", "/metrics", null);',
    ),
    "list_foundations": Lines(
        "mockfoundry foundation list",
        'err := server.Call("GET", "/foundations", nil, &answer)',
        'Object answer = server.call("GET", "/foundations", null);',
    ),
    "show_foundation": Lines(
        "mockfoundry foundation show ci-42",
        'foundation.Call("GET", "", nil, &answer)',
        'Object answer = foundation.call("GET", "", null);',
    ),
    "put_foundation": Lines(
        "mockfoundry foundation make ci-42 --seed seed.yaml",
        "foundation := mockfoundry.NewFrom(t, seed)",
        "Foundation foundation = Server.shared().foundation(seed);",
    ),
    "delete_foundation": Lines(
        "mockfoundry foundation delete ci-42",
        'foundation.Call("DELETE", "", nil, nil)',
        "foundation.delete();",
    ),
    "copy_foundation": Lines(
        "mockfoundry foundation copy ci-42 before-the-upgrade",
        'foundation.Call("POST", "/copy", mockfoundry.Object{"as": "before-the-upgrade"}, nil)',
        'foundation.call("POST", "/copy", Map.of("as", "before-the-upgrade"));',
    ),
    "save_foundation": Lines(
        "",
        'foundation.Call("POST", "/save", nil, &answer)',
        'Object answer = foundation.call("POST", "/save", null);',
    ),
    "reset_foundation": Lines("mockfoundry reset --foundation ci-42", "foundation.Reset()", "foundation.reset();"),
    "export_state": Lines(
        "mockfoundry state --foundation ci-42",
        "state := foundation.State()",
        "Map<String, Object> state = foundation.state();",
    ),
    "replace_state": Lines(
        "mockfoundry state --foundation ci-42 --replace seed.yaml",
        'foundation.Call("PUT", "/state", mockfoundry.YAML(seed), nil)',
        'foundation.call("PUT", "/state", new Yaml(seed));',
    ),
    "patch_state": Lines(
        "mockfoundry state --foundation ci-42 --patch '{organizations: [{name: acme, suspended: true}]}'",
        'foundation.Change("organizations: [{name: acme, suspended: true}]")',
        'foundation.change("organizations: [{name: acme, suspended: true}]");',
    ),
    "show_world": Lines(
        "",
        'foundation.Call("GET", "/world?limit=10", nil, &answer)',
        'Object answer = foundation.call("GET", "/world?limit=10", null);',
    ),
    "show_changes": Lines(
        "mockfoundry state --foundation ci-42 --changes",
        'foundation.Call("GET", "/changes", nil, &answer)',
        'Object answer = foundation.call("GET", "/changes", null);',
    ),
    "show_clock": Lines(
        "mockfoundry clock --foundation ci-42",
        "now := foundation.Clock.Now()",
        "Instant now = foundation.clock().now();",
    ),
    "change_clock": Lines(
        "mockfoundry clock --foundation ci-42 --freeze --advance 30s",
        "foundation.Clock.Freeze()\nfoundation.Clock.Advance(30 * time.Second)",
        "foundation.clock().freeze();\nfoundation.clock().advance(Duration.ofSeconds(30));",
    ),
    "mint_token": Lines(
        "mockfoundry token alice --foundation ci-42 --expires-in 10m",
        'token := foundation.TokenFor("alice", 10*time.Minute)',
        'String token = foundation.token("alice", Duration.ofMinutes(10));',
    ),
    "list_scenarios": Lines(
        "",
        'foundation.Call("GET", "/scenarios", nil, &answer)',
        'Object answer = foundation.call("GET", "/scenarios", null);',
    ),
    "stop_scenarios": Lines(
        "mockfoundry stop --all --foundation ci-42", "foundation.StopAll()", "foundation.stopAll();"
    ),
    "play_scenario": Lines(
        "mockfoundry play conflict-then-ok --foundation ci-42",
        'foundation.Play("conflict-then-ok")\nfoundation.PlayText(scenario)',
        'foundation.play("conflict-then-ok");\nfoundation.playText(scenario);',
    ),
    "stop_scenario": Lines(
        "mockfoundry stop conflict-then-ok --foundation ci-42",
        'foundation.Stop("conflict-then-ok")',
        'foundation.stop("conflict-then-ok");',
    ),
    "release_hold": Lines(
        "mockfoundry release first-scale --foundation ci-42",
        'released := foundation.Release("first-scale")',
        'int released = foundation.release("first-scale");',
    ),
    "list_requests": Lines(
        "mockfoundry log --foundation ci-42 --operation scaleProcess --status 409,503",
        'foundation.Call("GET", "/requests?operation=scaleProcess&status=409,503", nil, &answer)\n'
        'foundation.Call("GET", "/requests?format=text", nil, &text)',
        'Object answer = foundation.call("GET", "/requests?operation=scaleProcess&status=409,503", null);\n'
        'Object text = foundation.call("GET", "/requests?format=text", null);',
    ),
    "clear_requests": Lines(
        "",
        'foundation.Call("DELETE", "/requests", nil, &answer)',
        'Object answer = foundation.call("DELETE", "/requests", null);',
    ),
    "show_request": Lines(
        "mockfoundry log --foundation ci-42 --curl 1",
        'foundation.Call("GET", "/requests/1", nil, &answer)',
        'Object answer = foundation.call("GET", "/requests/1", null);',
    ),
    "verify": Lines(
        "mockfoundry verify scaleProcess --foundation ci-42 --status 202 --times 1 --within 5s",
        'foundation.Verify("scaleProcess", mockfoundry.Status(202), mockfoundry.Times(1), '
        "mockfoundry.Within(5*time.Second))",
        'foundation.verify("scaleProcess", status(202), times(1), within(Duration.ofSeconds(5)));',
    ),
    "show_retries": Lines(
        "mockfoundry retries --foundation ci-42 --max 2 --honours-retry-after",
        "audit := foundation.Retries(mockfoundry.MaxRepeats(2), mockfoundry.HonoursRetryAfter())",
        "Audit audit = foundation.retries(maxRepeats(2), honoursRetryAfter());",
    ),
    "show_replay": Lines(
        "mockfoundry replay --foundation ci-42",
        'foundation.Call("GET", "/replay", nil, &answer)',
        'Object answer = foundation.call("GET", "/replay", null);',
    ),
    "show_coverage": Lines(
        "mockfoundry coverage --foundation ci-42 --operation scaleProcess",
        'foundation.Call("GET", "/coverage?operation=scaleProcess", nil, &answer)',
        'Object answer = foundation.call("GET", "/coverage?operation=scaleProcess", null);',
    ),
}
"""By operationId."""


class ControlOperation(NamedTuple):
    """An operation of the contract, with what it refers to put in."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[dict[str, Any]]
    bodies: dict[str, dict[str, Any]]
    is_body_required: bool
    responses: dict[str, dict[str, Any]]


def resolve(document: Mapping[str, Any], value: Any) -> Any:
    """A value of the contract, or what it refers to."""
    while isinstance(value, dict) and "$ref" in value:
        found: Any = document
        for key in value["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        value = found
    return value


def iterate_control_operations() -> Iterator[ControlOperation]:
    """The operations of the control API, in the contract's order."""
    document = read_document(CONTROL_CONTRACT_FILE)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            body = resolve(document, operation.get("requestBody", {}))
            yield ControlOperation(
                operation["operationId"],
                method.upper(),
                f"/__mock{path}",
                operation["summary"],
                operation.get("description", ""),
                [resolve(document, each) for each in (*item.get("parameters", ()), *operation.get("parameters", ()))],
                body.get("content", {}),
                body.get("required", False),
                {status: resolve(document, each) for status, each in operation["responses"].items()},
            )


def render_http_page() -> str:
    """The whole page."""
    document = read_document(CONTROL_CONTRACT_FILE)
    operations = list(iterate_control_operations())
    index = ["| call | what it does |", "|---|---|", *(render_index_row(each) for each in operations), ""]
    return "\n".join([_HEAD, *index, *(line for each in operations for line in render_operation(document, each))])


def render_index_row(operation: ControlOperation) -> str:
    path = operation.path.replace("/__mock/foundations/{name}", "…/{name}")
    return f"| [`{operation.method} {path}`](#{operation.name}) | {operation.summary} |"


def render_operation(document: Mapping[str, Any], operation: ControlOperation) -> Iterator[str]:
    lines = LINES[operation.name]
    yield f"## {operation.name}"
    yield ""
    yield f"`{operation.method} {operation.path}`"
    yield ""
    yield from textwrap.wrap(f"{operation.summary}. {operation.description}".strip(), 120)
    yield ""
    given = [*render_parameters(document, operation), *render_body(document, operation)]
    if given:
        yield from ("| given | type | what it is |", "|---|---|---|", *given, "")
    yield from ("```sh", *render_curl_lines(operation))
    if lines.command:
        yield lines.command
    yield from ("```", "", "```go", lines.go, "```", "", "```java", lines.java, "```", "")
    yield from render_answers(document, operation)
    yield ""


def render_parameters(document: Mapping[str, Any], operation: ControlOperation) -> Iterator[str]:
    for each in operation.parameters:
        if each["name"] != "name":
            yield render_row(f"{each['in']} `{each['name']}`", resolve(document, each["schema"]), each)


def render_body(document: Mapping[str, Any], operation: ControlOperation) -> Iterator[str]:
    if not operation.bodies:
        return
    schema = resolve(document, operation.bodies["application/json"]["schema"])
    if "properties" not in schema:
        kind = "a [scenario](../scenarios/README.md)" if operation.name == "play_scenario" else "a [seed](seed-file.md)"
        kind = kind if operation.name != "patch_state" else "part of a [seed](seed-file.md)"
        yield f"| body |  | {kind}, as JSON or YAML{'' if operation.is_body_required else '; may be left out'} |"
        return
    for name, inside in schema["properties"].items():
        required = {"description": "required"} if name in schema.get("required", ()) else {}
        yield render_row(f"body `{name}`", resolve(document, inside), required)


def render_row(name: str, schema: Mapping[str, Any], more: Mapping[str, Any]) -> str:
    notes = [schema.get("description", ""), more.get("description", "")]
    notes += [f"by default {json.dumps(schema['default'])}"] if schema.get("default") else []
    about = "; ".join(each for each in notes if each)
    return f"| {name} | {name_type(schema)} | {about[:1].upper()}{about[1:]} |".replace("  |", " |")


def name_type(schema: Mapping[str, Any]) -> str:
    """A schema's type in a word or two, with what it allows."""
    if "oneOf" in schema:
        return " or ".join(name_type(each) for each in schema["oneOf"])
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("type") == "array":
        items = schema.get("items", {})
        return f"list of {name_type(items)}s" if items.get("type") in ("integer", "string") else "list"
    return str(schema.get("type", "any"))


def render_curl_lines(operation: ControlOperation) -> Iterator[str]:
    """A line for each way to make the call: without a body where it may be left out, with one, and with a YAML file."""
    method = "" if operation.method == "GET" else f" -X {operation.method}"
    path = operation.path
    query = {}
    for each in operation.parameters:
        example = each.get("example")
        if each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", str(example))
        elif example is not None:
            query[each["name"]] = render_query_value(example)
    target = f'"$MOCK{path}{"?" if query else ""}{urlencode(query, safe=",")}"'
    if not operation.is_body_required:
        yield f"curl -sS{method} {target}"
    if operation.bodies:
        body = json.dumps(operation.bodies["application/json"]["example"])
        yield f"curl -sS{method} -H 'Content-Type: application/json' -d '{body}' \\\n  {target}"
    if "application/yaml" in operation.bodies:
        file = "conflict-then-ok.yaml" if operation.name == "play_scenario" else "seed.yaml"
        yield f"curl -sS{method} -H 'Content-Type: application/yaml' --data-binary @{file} \\\n  {target}"


def render_query_value(example: Any) -> str:
    if isinstance(example, list):
        return ",".join(str(each) for each in example)
    return json.dumps(example) if isinstance(example, bool) else str(example)


def render_answers(document: Mapping[str, Any], operation: ControlOperation) -> Iterator[str]:
    """What the call answers where it works, once for all statuses that say the same."""
    alike: dict[str, list[str]] = {}
    for status, response in operation.responses.items():
        if status != "default":
            alike.setdefault("\n".join(render_answer(document, response)), []).append(status)
    for text, statuses in alike.items():
        yield f"Answers {' or '.join(statuses)}{text}"


def render_answer(document: Mapping[str, Any], response: Mapping[str, Any]) -> Iterator[str]:
    """What comes behind the status: what the answer is, and the keys of its body."""
    content = response.get("content", {})
    media_type = next(iter(content), "")
    text = ", no body" if not content else "" if media_type == "application/json" else f", `{media_type}`"
    yield f"{text}: {response['description'][:1].lower()}{response['description'][1:]}."
    shape = shape_of(document, content.get("application/json", {}).get("schema", {}), 3)
    if shape:
        yield from ("", "```text", *textwrap.wrap(shape, 118, break_long_words=False), "```")


def shape_of(document: Mapping[str, Any], schema: Any, depth: int) -> str:
    """The keys of a value that a schema describes, to some depth: `{requests: [{number, time}]}`."""
    schema = resolve(document, schema)
    if schema.get("type") == "array":
        return f"[{shape_of(document, schema['items'], depth)}]"
    if "properties" not in schema or not depth:
        return ""
    parts = []
    for name, inside in schema["properties"].items():
        shape = shape_of(document, inside, depth - 1)
        parts.append(f"{name}: {shape}" if shape not in ("", "[]") else name)
    return "{" + ", ".join(parts) + "}"
