"""Recipes as tests of Go, with docs/clients/mockfoundry.go. Compiles none."""

from collections.abc import Iterator

from tests.recipes.steps import ELEVEN_GUIDS, Advance, Ask, Client, Instances, Recipe, Step, WhileHeld, behind_process

CLIENT = """\
package yours_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/yours/internal/mockfoundry"
)

const process = "/v3/apps/APP/processes/web" // of the default seed's app dora

// Client stands for yours, and sends each request once.
type Client struct {
	url, token string
	patience   time.Duration
}

// Answer is what it gets: a status of 0 is none, since the connection broke, or nothing came in time.
type Answer struct {
	Status int
	Header http.Header
	Text   string
}

func (c Client) Get(path string) Answer { return c.ask("GET", path, "") }

func (c Client) Scale(body string) Answer { return c.ask("POST", process+"/actions/scale", body) }

func (c Client) ask(method, path, body string) Answer {
	request, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: c.patience}).Do(request)
	if err != nil {
		return Answer{}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}
	}
	return Answer{response.StatusCode, response.Header, string(text)}
}

func expect(t *testing.T, answer Answer, status int, texts ...string) Answer {
	t.Helper()
	if answer.Status != status {
		t.Fatalf("%d, not %d: %s", answer.Status, status, answer.Text)
	}
	for _, text := range texts {
		if !strings.Contains(answer.Text, text) {
			t.Fatalf("%s is not in %s", text, answer.Text)
		}
	}
	return answer
}

func expectHeader(t *testing.T, answer Answer, name, value string) {
	t.Helper()
	if got := answer.Header.Get(name); got != value {
		t.Fatalf("%s is %q, not %q", name, got, value)
	}
}

func expectInstances(t *testing.T, foundation *mockfoundry.Foundation, count int) {
	t.Helper()
	if got := foundation.Process("dora", "web").Instances; got != count {
		t.Fatalf("%d instances, not %d", got, count)
	}
}
"""


def render(recipe: Recipe) -> str:
    """The function of the test."""
    lines = ["foundation := mockfoundry.New(t)", f'foundation.Play("{recipe.scenario}")']
    lines += ["foundation.Clock.Freeze()"] if recipe.stands_still else []
    lines += [f"{each.name} := {render_client(each)}" for each in recipe.clients]
    for step in recipe.steps:
        lines += render_step(step)
    return "\n".join([f"func {name_test(recipe)}(t *testing.T) {{", *(f"\t{line}" for line in lines), "}"]) + "\n"


def name_test(recipe: Recipe) -> str:
    return "Test" + "".join(word.capitalize() for word in recipe.scenario.split("-"))


def render_client(client: Client) -> str:
    patience = f"{client.patience} * time.Millisecond" if client.patience < 1000 else "10 * time.Second"
    return f'Client{{foundation.URL, "{client.token}", {patience}}}'


def render_step(step: Step) -> Iterator[str]:
    if isinstance(step, Ask):
        yield render_ask(step)
    elif isinstance(step, Advance):
        yield f"foundation.Clock.Advance({step.seconds} * time.Second)"
    elif isinstance(step, Instances):
        yield f"expectInstances(t, foundation, {step.count})"
    elif isinstance(step, WhileHeld):
        yield "held := make(chan Answer)"
        yield f"go func() {{ held <- {call(step.held)} }}()"
        yield 'foundation.Verify("scaleProcessForApp", mockfoundry.Waiting(), mockfoundry.Within(10*time.Second))'
        yield render_ask(step.meanwhile)
        yield f'foundation.Release("{step.hold}")'
        yield f"expect(t, <-held, {step.held.status})"
    else:
        yield "statuses := map[int]int{}"
        yield f"for attempt := 0; attempt < {step.times}; attempt++ {{"
        yield f"\tstatuses[{call(step.ask)}.Status]++"
        yield "}"
        yield f"if statuses[{step.ask.status}] == 0 || statuses[{step.other}] == 0 || len(statuses) != 2 {{"
        yield "\tt.Fatal(statuses)"
        yield "}"


def render_ask(ask: Ask) -> str:
    says = f", `{ask.says}`" if ask.says else ""
    asked = f"expect(t, {call(ask)}, {ask.status or 0}{says})"
    if ask.header is None:
        return asked + (" // no answer" if ask.status is None else "")
    name, value = ask.header
    return f'expectHeader(t, {asked}, "{name}", "{value}")'


def call(ask: Ask) -> str:
    client = ask.client.name
    if ask.path is None:
        return f"{client}.Scale(`{ask.body}`)"
    if ask.path == ELEVEN_GUIDS:
        guid = 'strings.Repeat("0", 36)'
        return f'{client}.Get("/v3/processes?guids="+strings.Repeat({guid}+",", 10)+{guid})'
    rest = behind_process(ask.path)
    if rest is None:
        return f'{client}.Get("{ask.path}")'
    return f'{client}.Get(process+"{rest}")' if rest else f"{client}.Get(process)"
