"""The recipes: for each scenario of the library what a test of it does. Writes no page."""

from tests.recipes.steps import (
    ALICE,
    ELEVEN_GUIDS,
    HURRIED,
    RENEWED,
    STATS,
    Advance,
    Instances,
    Often,
    Recipe,
    WhileHeld,
    read,
    scale,
)

TWO_CODES = '"code":10010,"title":"CF-UnprocessableEntity","detail":"memory quota_exceeded","code":10008'

GROUPS: dict[str, tuple[Recipe, ...]] = {
    "Every scale is refused": (
        Recipe("bad-request", (scale(400, says="Request invalid due to parse error"), Instances(1))),
        Recipe("unauthorized", (scale(401, says="Invalid Auth Token"), Instances(1))),
        Recipe("forbidden", (scale(403, says="CF-NotAuthorized"), Instances(1))),
        Recipe("not-found", (scale(404, says="Process not found"), read(200), Instances(1))),
        Recipe("conflict", (scale(409, says="CF-Conflict"), Instances(1))),
        Recipe("unprocessable", (scale(422, says="CF-UnprocessableEntity"), Instances(1))),
        Recipe("rate-limited", (scale(429, header=("Retry-After", "37")), Instances(1))),
        Recipe("server-error", (scale(500, says="UnknownError"), Instances(1))),
        Recipe("unavailable", (scale(503, says="CF-ServiceUnavailable"), Instances(1))),
    ),
    "Only at first, or only for a while": (
        Recipe("conflict-then-ok", (scale(409), scale(202), Instances(2))),
        Recipe("conflict-storm", (*[scale(409)] * 5, scale(202), Instances(2))),
        Recipe("unavailable-then-ok", (*[scale(503, header=("Retry-After", "2"))] * 2, scale(202), Instances(2))),
        Recipe(
            "unavailable-after-scales",
            (
                scale(202),
                scale(202, instances=3),
                read(503, header=("Retry-After", "20")),
                Advance(20),
                read(200),
                Instances(3),
            ),
        ),
        Recipe(
            "cool-down",
            (
                scale(202),
                scale(409, instances=3, header=("Retry-After", "60")),
                Advance(60),
                scale(202, instances=3),
                Instances(3),
            ),
        ),
        Recipe(
            "maintenance-window",
            (read(200), Advance(10), read(503, header=("Retry-After", "30")), Advance(30), read(200)),
        ),
        Recipe(
            "rate-limit-resets",
            (*[read(200)] * 5, read(429, header=("X-RateLimit-Remaining", "0")), Advance(61), read(200)),
        ),
        Recipe("token-expires", (*[read(200)] * 3, read(401, says="CF-InvalidAuthToken"), read(200, client=RENEWED))),
        Recipe(
            "second-page-fails",
            tuple(
                read(status, f"/v3/processes?per_page=1&page={page}") for page, status in ((1, 200), (2, 503), (2, 200))
            ),
        ),
        Recipe("app-deleted", (read(200), read(404, says="Process not found"), scale(404))),
        Recipe("brownout", (Often(read(200), 503, 60),)),
        Recipe("flaky", (Often(scale(202), 500, 30),)),
    ),
    "The answer is lost, late or unreadable": (
        Recipe("connection-reset", (scale(None), Instances(1), scale(202), Instances(2))),
        Recipe("lost-response", (scale(None), Instances(2))),
        Recipe("lost-then-conflict", (scale(None), Instances(2), scale(409), Advance(5), scale(202), Instances(2))),
        Recipe("empty-reply", (scale(None), Instances(2))),
        Recipe("truncated", (scale(None), Instances(2))),
        Recipe("garbage", (scale(None), Instances(2))),
        Recipe("hang", (scale(None, client=HURRIED), Instances(1), scale(202, client=HURRIED), Instances(2))),
        Recipe("slow-then-ok", (scale(None, client=HURRIED), Instances(2))),
        Recipe("slow", (read(200),)),
        Recipe("dribble", (scale(202), Instances(2))),
        Recipe(
            "held-scale",
            (WhileHeld(scale(202, instances=3), scale(202, instances=5), "first-scale"), Instances(3)),
        ),
        Recipe("html-from-gateway", (scale(502, says="<h1>502 Bad Gateway</h1>"), Instances(1))),
        Recipe("empty-errors", (scale(500, says='{"errors":[]}'), Instances(1))),
        Recipe("duplicate-key", (scale(422, says=TWO_CODES), Instances(1))),
        Recipe("wrong-content-type", (scale(202, header=("Content-Type", "text/plain; charset=utf-8")), Instances(2))),
        Recipe("request-id-missing", (read(200, header=("X-Vcap-Request-Id", "")),)),
        Recipe("clock-skew", (read(200, header=("Date", "Thu, 01 Jan 2015 00:00:00 GMT")),)),
        Recipe("request-line-too-long", (read(414, ELEVEN_GUIDS, "414 Request-URI Too Large"),)),
    ),
    "The world says no": (
        Recipe("quota-instances", (scale(422, says="app_instance_limit app_instance_limit_exceeded"), Instances(1))),
        Recipe("quota-organization", (scale(422, says="memory quota_exceeded"), Instances(1))),
        Recipe("quota-space", (scale(422, says="memory space_quota_exceeded"), Instances(1))),
        Recipe(
            "quota-instance-memory",
            (scale(422, instances=1, memory=2048, says="memory instance_memory_limit_exceeded"), Instances(1)),
        ),
        Recipe(
            "organization-suspended",
            (
                read(200, client=ALICE),
                scale(403, says="The organization is suspended", client=ALICE),
                scale(202),
                Instances(2),
            ),
        ),
        Recipe("scaling-disabled", (scale(403, says="CF-FeatureDisabled", client=ALICE), scale(202), Instances(2))),
        Recipe(
            "deployment-in-flight",
            (scale(422, says="while a deployment is in flight"), Advance(61), scale(202), Instances(2)),
        ),
    ),
    "The world is not what it was": (
        Recipe("crash-loop", (scale(202), Advance(10), read(200, STATS, '"state":"CRASHED"'))),
        Recipe("instances-never-start", (scale(202), Advance(600), read(200, STATS, '"state":"STARTING"'))),
        Recipe("no-room", (scale(202), Advance(60), read(200, STATS, "insufficient resources: memory"))),
        Recipe("scheduler-unavailable", (read(200), read(503, STATS, "CF-StatsUnavailable"), scale(202))),
        Recipe("metrics-unavailable", (read(200, STATS, '"usage":{}'),)),
        Recipe("guid-reused", (read(200), Advance(3), read(200, says='"command":"restored"'))),
        Recipe(
            "stale-reads",
            (
                scale(202, says='"instances":2'),
                read(200, says='"instances":1'),
                Advance(5),
                read(200, says='"instances":2'),
            ),
        ),
        Recipe(
            "shifting-pages",
            (
                read(200, "/v3/processes?per_page=1&page=1", '"type":"web"'),
                Advance(1),
                read(200, "/v3/processes?per_page=1&page=2", '"type":"web"'),
            ),
        ),
    ),
}
"""By what they have in common, as the index shows them."""

TLS_RECIPES: dict[str, tuple[int, str]] = {
    "tls-expired": (60, "the certificate is not accepted"),
    "tls-other-host": (60, "the certificate is not accepted"),
    "tls-self-signed": (60, "the certificate is not accepted"),
    "tls-alert": (35, "the handshake failed"),
    "tls-hang": (28, "nothing came in time"),
    "tls-answer-cut": (18, "half of the answer came"),
    "tls-answer-alert": (56, "reading the answer failed"),
    "tls-answer-garbled": (56, "reading the answer failed"),
}
"""Scenarios that break connections by TLS, whatever is asked: the exit code of curl, and what that says."""

RECIPES = {recipe.scenario: recipe for group in GROUPS.values() for recipe in group}
"""By scenario."""

FACTS: dict[str, tuple[int, ...]] = {
    "bad-request": (3,),
    "crash-loop": (104, 105),
    "deployment-in-flight": (40,),
    "forbidden": (11,),
    "no-room": (96,),
    "not-found": (10,),
    "organization-suspended": (15, 20),
    "quota-instance-memory": (51,),
    "quota-instances": (52,),
    "quota-organization": (48, 49),
    "quota-space": (48,),
    "rate-limit-resets": (124, 126),
    "rate-limited": (126,),
    "scaling-disabled": (21,),
    "wrong-content-type": (126,),
}
"""By scenario, the facts of docs/fidelity.md that it comes from."""

STANDARDS: dict[str, tuple[str, str, str]] = {
    "clock-skew": ("RFC 9110, 10.2.3", "rfc9110#section-10.2.3", "Retry-After is a number of seconds, or a date."),
    "connection-reset": (
        "RFC 9112, 9.5",
        "rfc9112#section-9.5",
        "A server may close an idle connection while a client sends a request on it, and clients have to expect it.",
    ),
    "duplicate-key": ("RFC 8259, 4", "rfc8259#section-4", "What a parser does with two equal names is not defined."),
    "lost-response": (
        "RFC 9110, 9.2.2",
        "rfc9110#section-9.2.2",
        "A request that is not idempotent should not be repeated by itself after the connection has failed.",
    ),
    "lost-then-conflict": (
        "RFC 9110, 9.2.2",
        "rfc9110#section-9.2.2",
        "A request that is not idempotent should not be repeated by itself after the connection has failed.",
    ),
    "truncated": (
        "RFC 9112, 8",
        "rfc9112#section-8",
        "A body that is shorter than its Content-Length is an incomplete message, and must be treated as one.",
    ),
    "unavailable": ("RFC 9110, 15.6.4", "rfc9110#section-15.6.4", "A 503 may have Retry-After, and need not."),
}
"""By scenario, a standard that speaks of it: its name, its address, and what it says in our words."""
