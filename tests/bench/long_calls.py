"""Long calls: those that could keep other clients of a server waiting, and what is there before each. Measures none.

`make bench` measures how long a bystander waits during each; a test counts what each does between two turns.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from tests.serving import WEB

PROCESS = f"/v3/processes/{WEB}"
SCALE = f"{PROCESS}/actions/scale"


class Caller(Protocol):
    """One client of a server; an answer with another status than expected is an error."""

    def __call__(
        self, method: str, path: str, body: Any = None, *, foundation: str = "", expects: int = 0
    ) -> object: ...


@dataclass(frozen=True)
class LongCall:
    """A call that may keep others waiting.

    Attributes:
        make: makes it, after `prepare`, which is no part of it.
        is_change: whether it changes much of a large world, which takes longer, as the README says.
    """

    name: str
    make: Callable[[Caller], object]
    prepare: Callable[[Caller], object] | None = None
    is_change: bool = False


def calling(method: str, path: str, body: Any = None, **options: Any) -> Callable[[Caller], object]:
    """Makes one call; a body is JSON's value, or a function that gives one."""

    def make(call: Caller) -> object:
        return call(method, path, body() if callable(body) else body, **options)

    return make


def large_seed(apps: int) -> dict[str, Any]:
    """A seed with so many apps of one process each."""
    return {
        "organizations": [{"name": "o", "spaces": [{"name": "s", "apps": [{"name": f"a{n}"} for n in range(apps)]}]}]
    }


def many_instances_seed() -> dict[str, Any]:
    """A seed whose one process may have ten thousand instances."""
    app = {"name": "a", "processes": [{"type": "web", "guid": WEB, "memory_in_mb": 64}]}
    return {"organizations": [{"name": "o", "spaces": [{"name": "s", "apps": [app]}]}]}


def large_scenario(name: str, rules: int) -> dict[str, Any]:
    """A scenario of so many rules, each for another process."""
    rule = {"operation": "scaleProcess", "respond": {"status": 409}}
    return {"scenario": name, "rules": [{**rule, "when": {"path": {"guid": f"{name}-{n}"}}} for n in range(rules)]}


def labels(count: int, name: str, value: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {f"{name}{n}": value for n in range(count)}}}


def play(name: str, rules: int) -> Callable[[Caller], object]:
    return calling("PUT", control("ruled", f"/scenarios/{name}"), lambda: large_scenario(name, rules))


def control(foundation: str, rest: str = "") -> str:
    return f"/__mock/foundations/{foundation}{rest}"


def fill_journal(size: int, call: Caller) -> None:
    for number in range(size):
        call("POST", SCALE, {"instances": number % 3}, foundation="journal")


def make_foundations(size: int, call: Caller) -> None:
    for number in range(size):
        call("GET", f"/foundations/f{number}/v3/nothing", expects=404)


def list_long_calls(size: int) -> Iterator[LongCall]:
    """All of them, in an order in which each finds what it needs.

    Args:
        size: of worlds in processes, of scenarios in rules, of bodies in sixths of their fields.
    """
    yield from list_large_bodies(6 * size)
    yield from list_calls_of_large_worlds(size)
    yield from list_calls_of_many_rules(size)
    yield from list_calls_of_full_journals(size)
    few = max(size - 1_000, size // 2)
    yield LongCall(
        f"list of {few:,} foundations", calling("GET", "/__mock/foundations"), partial(make_foundations, few)
    )
    yield LongCall("coverage of all of them", calling("GET", "/__mock/coverage"))


def list_large_bodies(fields: int) -> Iterator[LongCall]:
    bad, removed, numbers = labels(fields, "!", ""), labels(fields, "x", None), labels(fields, "x", 1)
    yield LongCall(f"PATCH, {fields:,} bad labels", calling("PATCH", PROCESS, bad, expects=422))
    yield LongCall(f"PATCH, {fields:,} labels removed", calling("PATCH", PROCESS, removed))
    yield LongCall(f"PATCH, {fields:,} labels that are numbers", calling("PATCH", PROCESS, numbers, expects=422))
    unknown = {f"field{n}": n for n in range(5 * fields // 6)}
    yield LongCall("PATCH, unknown fields", calling("PATCH", PROCESS, unknown, expects=422))
    yield LongCall("scale, unknown fields", calling("POST", SCALE, unknown, expects=422))
    yield LongCall(
        "scale, a list for a number", calling("POST", SCALE, {"instances": list(range(fields))}, expects=422)
    )
    order = {"order": [{"operation": "scaleProcess", "status": n} for n in range(fields // 3)]}
    yield LongCall("verify, many questions", calling("POST", control("default", "/verify"), order, expects=400))


def list_calls_of_large_worlds(size: int) -> Iterator[LongCall]:
    seed, large = partial(large_seed, size), control("large")
    yield LongCall(f"PUT foundation, {size:,} processes", calling("PUT", large, seed))
    yield LongCall("PUT state", calling("PUT", f"{large}/state", seed))
    patch = calling("PATCH", f"{large}/state", {"settings": {"stale_seconds": 1}})
    yield LongCall("PATCH state", patch, is_change=True)
    yield LongCall("GET state", calling("GET", f"{large}/state"))
    yield LongCall("GET changes", calling("GET", f"{large}/changes"))
    copy = calling("POST", f"{large}/copy", {"as": "copied", "replace": True})
    yield LongCall("copy", copy)
    yield LongCall("reset", calling("POST", f"{large}/reset"))
    yield LongCall("delete", calling("DELETE", control("copied")), copy)
    yield from list_changes_by_scenarios(size // 100)
    yield LongCall("clock, a year on", calling("PATCH", f"{large}/clock", {"advance": "8760h"}))
    yield LongCall("GET processes", calling("GET", "/v3/processes", foundation="large"))
    yield LongCall("  5,000 a page", calling("GET", "/v3/processes?per_page=5000", foundation="large"))
    embedding = "/v3/processes?per_page=5000&embed=process_instances"
    yield LongCall("  with their instances", calling("GET", embedding, foundation="large"))
    filters = "types=web&order_by=-updated_at&created_ats[gt]=2020-01-01T00:00:00Z&label_selector=!a,b!=c,d+notin+(e,f)"
    yield LongCall("  filtered and ordered", calling("GET", f"/v3/processes?{filters}", foundation="large"))
    yield LongCall(
        f"scale to {size:,} instances",
        calling("POST", SCALE, {"instances": size}, foundation="many"),
        calling("PUT", control("many"), many_instances_seed),
    )
    yield LongCall("  their stats", calling("GET", f"{PROCESS}/stats", foundation="many"))
    yield LongCall("  process_instances", calling("GET", f"{PROCESS}/process_instances", foundation="many"))
    yield LongCall("  embedded", calling("GET", f"{PROCESS}?embed=process_instances", foundation="many"))


def list_changes_by_scenarios(changes: int) -> Iterator[LongCall]:
    """What scenarios change in a large world."""

    def stop(first: int, last: int) -> dict[str, Any]:
        apps = [{"name": f"a{n}", "state": "STOPPED"} for n in range(first, last)]
        return {"organizations": [{"name": "o", "spaces": [{"name": "s", "apps": apps}]}]}

    scenarios = control("large", "/scenarios")
    given = {"scenario": "given", "given": stop(0, changes)}
    yield LongCall(
        f"PUT scenario that stops {changes:,} apps", calling("PUT", f"{scenarios}/given", given), is_change=True
    )
    yield LongCall("DELETE it", calling("DELETE", f"{scenarios}/given"), is_change=True)
    events = {"scenario": "events", "events": [{"at": f"{n}s", "given": stop(n, n + 1)} for n in range(1, changes + 1)]}
    yield LongCall(
        f"clock past {changes:,} events of a scenario",
        calling("PATCH", control("large", "/clock"), {"advance": "1h"}),
        calling("PUT", f"{scenarios}/events", events),
        is_change=True,
    )


def list_calls_of_many_rules(size: int) -> Iterator[LongCall]:
    yield LongCall(f"PUT scenario, {size:,} rules", play("rules0", size))
    yield LongCall(
        "PUT scenario beside three times as many",
        calling("PUT", control("ruled", "/scenarios/conflict")),
        play_more(size),
    )
    yield LongCall("list of the scenarios", calling("GET", control("ruled", "/scenarios")))
    yield LongCall("a scale that meets none", calling("POST", SCALE, {"instances": 1}, foundation="ruled", expects=409))
    yield LongCall("DELETE a scenario beside them", calling("DELETE", control("ruled", "/scenarios/conflict")))
    yield LongCall("reset of them", calling("POST", control("ruled", "/reset")))


def play_more(size: int) -> Callable[[Caller], object]:
    def play_both(call: Caller) -> None:
        play("rules1", size)(call)
        play("rules2", size)(call)

    return play_both


def list_calls_of_full_journals(size: int) -> Iterator[LongCall]:
    journal = control("journal")
    yield LongCall(
        "requests?limit=10000", calling("GET", f"{journal}/requests?limit=10000"), partial(fill_journal, size)
    )
    yield LongCall("requests?limit=1", calling("GET", f"{journal}/requests?limit=1&status=500"))
    yield LongCall("verify", calling("POST", f"{journal}/verify", {"operation": "scaleProcess", "times": 5}))
    far = {"operation": "getProcess", "when": {"body": {"a": 1}, "query": {"b": "c"}}}
    yield LongCall("verify, nothing is near", calling("POST", f"{journal}/verify", far))
    yield LongCall("verify order", calling("POST", f"{journal}/verify", {"order": [{"operation": "getProcess"}] * 3}))
    yield LongCall("retries", calling("GET", f"{journal}/retries"))
    yield LongCall("replay", calling("GET", f"{journal}/replay"))
    yield LongCall("coverage", calling("GET", f"{journal}/coverage"))
    yield LongCall("DELETE requests", calling("DELETE", f"{journal}/requests"))
