"""Recipes as scripts of a POSIX shell, with the commands of mockfoundry and curl. Runs none."""

from collections.abc import Iterator

from tests.recipes.steps import (
    ADMIN,
    ELEVEN_GUIDS,
    Advance,
    Ask,
    Client,
    Instances,
    Recipe,
    Step,
    WhileHeld,
    behind_process,
)

CLIENT = r"""set -eu
PROCESS=/v3/apps/APP/processes/web # of the default seed's app dora
answer=$(mktemp)                   # the body of the last answer; its head is in $answer.head
TOKEN=admin PATIENCE=10            # whose requests they are, and how many seconds they wait

# Stands for your client, and sends each request once. Prints the status, or `none` where no whole answer came.
ask() {
  status=$(curl --silent --max-time "$PATIENCE" --output "$answer" --dump-header "$answer.head" \
    --write-out '%{http_code}' --header "Authorization: bearer $TOKEN" \
    --header 'Content-Type: application/json' "$@") || status=none
  printf %s "$status"
}
get() { ask "$MOCKFOUNDRY_URL$1"; }
scale() { ask --data "$1" "$MOCKFOUNDRY_URL$PROCESS/actions/scale"; }

# How many instances the world has of the process; the seed has one.
instances() { mockfoundry state --changes | sed -n 's|.*/web/instances,.* after: \([0-9]*\)}|\1|p' | grep . || echo 1; }
"""


def render(recipe: Recipe) -> str:
    """The lines of the script, in a foundation of its own."""
    lines = [f'eval "$(mockfoundry login --as admin@{recipe.scenario})"', f"mockfoundry play {recipe.scenario}"]
    lines += ["mockfoundry clock --freeze"] if recipe.stands_still else []
    for step in recipe.steps:
        lines += render_step(step)
    return "\n".join(lines) + "\n"


def render_step(step: Step) -> Iterator[str]:
    if isinstance(step, Ask):
        yield from render_ask(step)
    elif isinstance(step, Advance):
        yield f"mockfoundry clock --advance {step.seconds}s"
    elif isinstance(step, Instances):
        yield f'test "$(instances)" = {step.count}'
    elif isinstance(step, WhileHeld):
        yield f"{call(step.held)} > held &"
        yield "until mockfoundry log | grep -q 'still waits'; do sleep 0.1; done"
        yield from render_ask(step.meanwhile)
        yield f"mockfoundry release {step.hold}"
        yield "wait"
        yield f'test "$(cat held)" = {step.held.status}'
    else:
        yield f"statuses=$(for attempt in $(seq {step.times}); do {call(step.ask)}; echo; done | sort -u | xargs)"
        yield f'test "$statuses" = "{step.ask.status} {step.other}"'


def render_ask(ask: Ask) -> Iterator[str]:
    if ask.status is None:
        yield f'test "$({call(ask)})" = none'
    else:
        yield f'test "$({call(ask)})" = {ask.status}'
    if ask.says:
        yield f"grep -qF '{ask.says}' \"$answer\""
    if ask.header is not None:
        name, value = ask.header
        if value:
            yield f"grep -qi '^{name}: {value}' \"$answer.head\""
        else:
            yield f'test "$(grep -ci \'^{name}:\' "$answer.head")" = 0'


def call(ask: Ask) -> str:
    return render_variables(ask.client) + render_call(ask)


def render_variables(client: Client) -> str:
    token = "" if client.token == ADMIN.token else f"TOKEN={client.token} "
    return token + ("" if client.patience == ADMIN.patience else f"PATIENCE={client.patience / 1000} ")


def render_call(ask: Ask) -> str:
    if ask.path is None:
        return f"scale '{ask.body}'"
    if ask.path == ELEVEN_GUIDS:
        return 'get "/v3/processes?guids=$(printf %036d, 1 2 3 4 5 6 7 8 9 10)$(printf %036d 11)"'
    rest = behind_process(ask.path)
    return f"get '{ask.path}'" if rest is None else f'get "$PROCESS{rest}"'
