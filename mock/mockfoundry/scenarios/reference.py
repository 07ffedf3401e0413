"""The files that follow from the form and the library: the JSON Schema and the library's README. Knows no world.

`python -m mockfoundry.scenarios.reference` writes both again.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mockfoundry.cloudfoundry.errors import CATALOGUE
from mockfoundry.cloudfoundry.seeds.format import SEED
from mockfoundry.configuration import declare_configuration
from mockfoundry.contract.load import Contract, join_contracts, load_contract
from mockfoundry.documents.declare import FormKey, render_cell, render_key_rows
from mockfoundry.scenarios.answer_forms import DISTRIBUTIONS, HOLD, LOGNORMAL, RESPOND, STATUS, VIRTUAL
from mockfoundry.scenarios.format import EVENT, PROCESS, RULE, SCENARIO, TLS, WHEN, read_scenario
from mockfoundry.scenarios.model import ANY_OPERATION, Scenario
from mockfoundry.shipped import CONTRACT_FILE, PLATFORM_CONTRACT_FILE, SCENARIO_DIRECTORY, list_library_files
from mockfoundry.wire_faults import TLS_FAULTS, WIRE_FAULTS

SCHEMA_FILE = SCENARIO_DIRECTORY / "scenario.schema.json"
README_FILE = SCENARIO_DIRECTORY / "README.md"


SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def build_scenario_schema(contract: Contract) -> dict[str, Any]:
    """The form of a scenario file as JSON Schema, for editors: with the words of a contract, the catalogue, a seed."""
    plans = contract.plans.values()
    statuses = sorted({status for plan in plans for status in plan.responses})
    examples = sorted({name for plan in plans for each in plan.responses.values() for name in each.examples})
    return {
        "$schema": SCHEMA_DIALECT,
        "$id": "urn:mockfoundry:scenario",
        "title": "mockfoundry scenario",
        "description": "One failure mode of a Cloud Foundry foundation, to be played by mockfoundry.",
        **SCENARIO.schema(),
        "$defs": {
            "operation": {"enum": [ANY_OPERATION, *sorted(contract.plans)]},
            "error": {"enum": sorted(CATALOGUE)},
            # Any status may be sent, and those that are documented are what an editor proposes.
            "status": {"anyOf": [{"enum": statuses}, STATUS.kind.schema()]},
            "example": {"enum": examples},
            "given": {**SEED.schema(), "minProperties": 1},
        },
    }


def build_seed_schema() -> dict[str, Any]:
    """The form of a seed file as JSON Schema, for editors."""
    return {
        "$schema": SCHEMA_DIALECT,
        "$id": "urn:mockfoundry:seed",
        "title": "mockfoundry seed",
        "description": "What a Cloud Foundry foundation begins with: organizations, spaces, apps, users, settings.",
        **SEED.schema(),
    }


def build_configuration_schema() -> dict[str, Any]:
    """The form of a configuration as JSON Schema, for editors: with the names of the library."""
    return {
        "$schema": SCHEMA_DIALECT,
        "$id": "urn:mockfoundry:config",
        "title": "mockfoundry configuration",
        "description": "The options of mockfoundry serve.",
        **declare_configuration(Path(), list_library_files()).schema(),
    }


def render_schema(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=1) + "\n"


def render_scenario_schema() -> str:
    """The schema that ships with the library: with the words of the contracts that ship."""
    shipped = join_contracts(load_contract(CONTRACT_FILE), load_contract(PLATFORM_CONTRACT_FILE))
    return render_schema(build_scenario_schema(shipped))


def render_library_readme() -> str:
    """The README of the library: what there is, and every key that a file may have."""
    scenarios = [
        read_scenario(path.read_text(encoding="utf-8"), source=str(path)) for path in list_library_files().values()
    ]
    return "\n".join(
        [*_INTRODUCTION, *render_library_rows(scenarios), "", _HOW_IT_PLAYS, _EXAMPLES, *render_all_keys()]
    )


_INTRODUCTION = (
    "# The library of scenarios",
    "",
    "One file, one failure mode. Switch one on by its name. To write your own, begin with `mockfoundry new scenario`,",
    "or with one of these (`mockfoundry scenarios NAME` prints it), and check it with `mockfoundry check FILE`. What",
    "`check` lets pass, a server takes, but for what only its world can say: whether there is what `given:` and the",
    "events name. `check --seed FILE` tries that on the world of a seed.",
    "",
    "The first line of each file names the JSON Schema `scenario.schema.json`, with which an editor completes keys,",
    "operations, errors, statuses, examples and the seed's words. `mockfoundry schema scenario > scenario.schema.json`",
    "writes it beside your own files, with the words of your `--contract`. `mockfoundry errors` and `mockfoundry",
    "operations` list what a rule may name. This page is made from the files by `make documents`.",
    "",
    "| name | what happens | a good client |",
    "|---|---|---|",
)


_HOW_IT_PLAYS = """\
## How a scenario plays

- Scenarios are tried in the order in which they were switched on, and their rules in the order of the file. The first
  rule that matches and has something left to do decides. No rule after it gets the request.
- All conditions of `when:` must hold. A plain value is compared as JSON: `2` equals `2.0`, but neither `"2"` nor
  `true`. A mapping is a JSON Schema. Its keywords for numbers are met only by a number, those for text only by a text,
  and so on: `"many"` does not meet `{minimum: 2}`. `{const: {…}}` compares with a mapping.
- Path parameters, query parameters and headers are text. A plain value is compared with that text: `100` with `100`, a
  list with its items joined by commas. A JSON Schema that is not about text gets the number, `true` or `false` that the
  text spells. If a parameter is given several times, it is enough that one of its values matches. `null` means that it
  was not sent.
- `user:` is who the Cloud Controller takes the sender for, whatever the form of the token: `bearer alice`, or a token
  that was minted for alice. A client that has a token for itself (client credentials) is known by its own name. A token
  that names nobody is `admin`'s, as in all else. A request without a token, or with one that is not accepted, has no
  user: only `user: null` is met by it.
- `process:` is about the one process that a request names, by its guid or by its app and type. No request for a list,
  an app or anything else meets it, nor one for a process that does not exist.
- A rule without `operation:` is for the Cloud Controller's operations and for unknown routes, and not for the way in:
  the root documents and UAA (`issueToken`, `getTokenKeys`, …). Those are reached by name, or by `operation: any`, which
  is for every request, unknown routes too. What a rule answers for UAA has UAA's form: with
  `error: CF-ServiceUnavailable` a 503 with `error` and `error_description`.
- `after:` is how many matches are first let through to the next rule. `times:` is how many are then answered. After
  that the rule is done. With `chance:`, a match that is not drawn goes to the next rule and is not counted as answered.
- A `sequence:` gives one answer for each match. `pass` sends the request on to the world, and no later rule gets it.
  `finally:` says what follows the last answer: with `pass` the rule is done, with `repeat` the sequence begins again,
  with `stay` the last answer is given for ever.
- A rule is asked at one of two stations on a request's way; the next section shows them.
- With none of `error:`, `status:`, `example:` and `fault:`, the world answers. `headers:`, `delay:` and `hold:` then
  change that answer.
- A request waits for a `delay:` or a `hold:` before its operation runs, or after it with `phase: after` or
  `after-commit`. While it waits, the journal has it (`verify` finds it with `answered: false`). It waits no longer than
  its client: what the client did not wait for is not done, or stays done without an answer. It belongs to its world:
  where the foundation is deleted, reset or replaced before it went on, it gets a 404 `Mock-FoundationGone` or a 410
  `Mock-WorldReplaced` (out of a hold at once), and nothing is done. An answer whose change was made still goes out.
- With `phase: after` the operation runs and its change is kept. Then the rule's answer or fault takes the place of the
  world's answer. The match counts only if the operation succeeded: a refused scale is not a lost one.
  `respond: {phase: after}` alone changes nothing: it lets the request pass, and counts it, or goes to the next state,
  only if it has succeeded. `pass` counts it as it comes, refused or not.
- `per:` says what is counted separately: each process, each user, each token, or the whole foundation. A user who logs
  in again has another token and is the same user. States are kept the same way, so all rules of a scenario that have
  `state:` or `goto:` must have the same `per:`. Requests for processes that do not exist are counted together, and so
  are those without a user. When there are more than 100,000 processes, users or tokens, the first are forgotten.
- Times are those of the foundation's clock, which a test may freeze and advance. `for:` and the events' `at:` count
  from the moment when the scenario was switched on, and so do `from:` and `until:` of a rule without `state:`.
- In a rule with `state:`, `from:` and `until:` count from the moment when the state was entered: that of the `goto:`
  that led there, or of switching the scenario on for the state of `start:`. With `per:`, each process, token or user
  has its own state and its own moment. With `phase: after` the moment is that of the kept change. A `goto:` to the
  state of now enters it anew, and its time begins again.
- The one exception is `delay: 6s`: it is six seconds of the machine, since a client's time-outs are. `delay: {virtual:
  6s}` waits on the foundation's clock: a test sees the request open in the journal, and ends its wait by advancing the
  clock (`mockfoundry clock --advance 6s`). If nobody does, `at-most:` (30 s of the machine) ends it with a 504
  `Mock-ClockNotAdvanced`.
- `tls:` breaks handshakes, which come before any request. So it has no conditions and is not in the journal
  (`mockfoundry log`): a server prints a line for each on a terminal, or with `--log text`, and `answered` of the
  scenario counts them. The foundation is that of the host that the client asks for (`https://NAME.localhost`), else
  `default`. Connections that are open already stay as they are. A server without TLS, and one in the test's own
  process, refuses such a scenario.

## Where a rule is asked

```
client ──▶ gateway ──▶ rate limit ──▶ token ──▶ scope ──▶ lookup ──▶ controller ──▶ body ──▶ world ──▶ kept
             ▲            429           401       403     404, 403       ▲          422                  ▲
        at: gateway                                                at: controller                   phase: after
```

- `at: gateway` takes every request that its conditions fit, as a router does that knows neither tokens nor guids.
- `at: controller` takes only what the Cloud Controller would work on. A request without a token gets its 401 and one
  for an unknown guid its 404, as without the scenario. Neither is counted, and `after:` does not see it. `X-Mock-Why`
  says that a rule was missed for that.
- Unless a rule says `at:`, its answers do. The Cloud Controller's own errors (`error: CF-Conflict`, …) come from the
  controller. Faults on the wire, 429, 502, 503, `status:`, `example:`, delays, holds and `pass` are the gateway's. A
  `sequence:` is the controller's if all its answers are.
- With `phase: after` the operation has run, so the match counts only if that succeeded, wherever the rule is asked.
  `after:` counts in the same way: with `after: 2` the answer to the third scale that has succeeded is lost. If the rule
  says `at:`, then its `after:` counts what comes there, refused or not.
- UAA and the root documents have no station before them: what a rule answers for them by name, it always answers. A
  rule for `operation: any` is the gateway's. `at: controller` for one of UAA's operations, or for `any`, is an error.
"""


_EXAMPLES = """\
## Three scenarios of one's own

One user alone is refused: alice gets a 422 for a scale to more than ten instances, whether her token is the plain
`alice` or one that she got by logging in. All others may have more.

```yaml
scenario: ten-for-alice
rules:
  - operation: [scaleProcess, scaleProcessForApp]
    when: {body: {instances: {exclusiveMinimum: 10}}, user: alice}
    respond: {error: CF-UnprocessableEntity, detail: alice may have ten instances}
```

Something happens some time after something else: for twenty seconds after the second scale, the Cloud Controller is
unavailable. The state `busy` is entered with the second scale, and `until:` counts from then. `respond: {phase: after}`
leaves out the scales that are refused, for their token, their guid or their numbers.

```yaml
scenario: busy-after-two
start: calm
rules:
  - operation: [scaleProcess, scaleProcessForApp]
    state: calm
    goto: busy
    after: 1
    respond: {phase: after}
  - state: busy
    until: 20s
    respond: {error: CF-ServiceUnavailable}
```

One kind of process: the third scale of each worker is done and its answer is lost, then its scales get a 409 until five
seconds have passed. Each worker has a state, and a time, of its own.

```yaml
scenario: third-scale-lost
start: calm
rules:
  - operation: [scaleProcess, scaleProcessForApp]
    when: {process: {type: worker}}
    per: process
    state: calm
    goto: lost
    after: 2
    respond: {fault: reset, phase: after}
  - operation: [scaleProcess, scaleProcessForApp]
    when: {process: {type: worker}}
    per: process
    state: lost
    until: 5s
    respond: {error: CF-Conflict}
```
"""


def render_library_rows(scenarios: list[Scenario]) -> Iterator[str]:
    for each in scenarios:
        yield f"| [{each.name}]({each.name}.yaml) | {render_cell(each.description)} | {render_cell(each.good_client)} |"


def render_all_keys() -> Iterator[str]:
    yield from ("## Keys of a scenario file", "")
    for title, keys in _KEYS:
        yield from (f"### {title}", "", "| key | what it is for |", "|---|---|")
        yield from render_key_rows(keys)
        yield ""
    yield from ("### Faults of `fault:`", "", "| fault | what the client meets |", "|---|---|")
    yield from (f"| `{name}` | {fault.about} |" for name, fault in WIRE_FAULTS.items())
    yield from ("", "### Faults of `tls:`", "", "| fault | what the client meets |", "|---|---|")
    yield from (f"| `{name}` | {tls_fault.about} |" for name, tls_fault in TLS_FAULTS.items())
    yield ""


_KEYS: tuple[tuple[str, tuple[FormKey, ...]], ...] = (
    ("A scenario", SCENARIO.keys),
    ("A rule of `rules:`", RULE.keys),
    ("`when:`", WHEN.keys),
    ("`process:` in `when:`", PROCESS.keys),
    ("`respond:`, and each step of `sequence:`", RESPOND.keys),
    ("`delay:`, where it is not a duration", DISTRIBUTIONS),
    ("`lognormal:`", LOGNORMAL.keys),
    ("`delay:` on the foundation's clock", VIRTUAL.keys),
    ("`hold:`", HOLD.keys),
    ("An event of `events:`", EVENT.keys),
    ("`tls:`", TLS.keys),
)


def write_reference() -> None:
    SCHEMA_FILE.write_text(render_scenario_schema(), encoding="utf-8")
    README_FILE.write_text(render_library_readme(), encoding="utf-8")


if __name__ == "__main__":
    write_reference()
