"""Recipes as tests of JUnit, with docs/clients/MockfoundryExtension.java. Compiles none."""

import json
from collections.abc import Iterator

from tests.recipes.steps import ELEVEN_GUIDS, Advance, Ask, Client, Instances, Recipe, Step, WhileHeld, behind_process

CLIENT = """\
package com.example.yours;

import static mockfoundry.MockfoundryExtension.waiting;
import static mockfoundry.MockfoundryExtension.within;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import mockfoundry.MockfoundryExtension;
import mockfoundry.MockfoundryExtension.Foundation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(MockfoundryExtension.class)
class RecipesTest {
  static final String PROCESS = "/v3/apps/APP/processes/web"; // of the default seed's app dora

  /** Stands for yours, and sends each request once. */
  record Client(Foundation foundation, String token, Duration patience) {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    HttpResponse<String> get(String path) throws IOException, InterruptedException {
      return HTTP.send(request(path).GET().build(), BodyHandlers.ofString());
    }

    HttpResponse<String> scale(String body) throws IOException, InterruptedException {
      var request = request(PROCESS + "/actions/scale").POST(BodyPublishers.ofString(body)).build();
      return HTTP.send(request, BodyHandlers.ofString());
    }

    private HttpRequest.Builder request(String path) {
      return HttpRequest.newBuilder(URI.create(foundation.url() + path))
          .timeout(patience)
          .header("Authorization", "bearer " + token)
          .header("Content-Type", "application/json");
    }
  }
"""


def render(recipe: Recipe) -> str:
    """The method of the test."""
    lines = [f'foundation.play("{recipe.scenario}");']
    lines += ["foundation.clock().freeze();"] if recipe.stands_still else []
    lines += [f"var {each.name} = {render_client(each)};" for each in recipe.clients]
    declared = False
    for step in recipe.steps:
        for line in render_step(step):
            lines.append(line.removeprefix("var ") if declared and line.startswith("var answer") else line)
            declared = declared or line.startswith("var answer")
    head = f"void {name_test(recipe)}(Foundation foundation) throws Exception {{"
    return "\n".join(["@Test", head, *(f"  {line}" for line in lines), "}"]) + "\n"


def name_test(recipe: Recipe) -> str:
    first, *others = recipe.scenario.split("-")
    return first + "".join(word.capitalize() for word in others)


def render_client(client: Client) -> str:
    patience = f"ofMillis({client.patience})" if client.patience < 1000 else "ofSeconds(10)"
    return f'new Client(foundation, "{client.token}", Duration.{patience})'


def render_step(step: Step) -> Iterator[str]:
    if isinstance(step, Ask):
        yield from render_ask(step)
    elif isinstance(step, Advance):
        yield f"foundation.clock().advance(Duration.ofSeconds({step.seconds}));"
    elif isinstance(step, Instances):
        yield f'assertEquals({step.count}, foundation.process("dora", "web").instances());'
    elif isinstance(step, WhileHeld):
        yield "var held ="
        yield "    CompletableFuture.supplyAsync("
        yield "        () -> {"
        yield "          try {"
        yield f"            return {call(step.held)}.statusCode();"
        yield "          } catch (IOException | InterruptedException error) {"
        yield "            throw new IllegalStateException(error);"
        yield "          }"
        yield "        });"
        yield 'foundation.verify("scaleProcessForApp", waiting(), within(Duration.ofSeconds(10)));'
        yield from render_ask(step.meanwhile)
        yield f'foundation.release("{step.hold}");'
        yield f"assertEquals({step.held.status}, held.get());"
    else:
        yield "var statuses = new HashSet<Integer>();"
        yield f"for (int attempt = 0; attempt < {step.times}; attempt++) {{"
        yield f"  statuses.add({call(step.ask)}.statusCode());"
        yield "}"
        yield f"assertEquals(Set.of({step.ask.status}, {step.other}), statuses);"


def render_ask(ask: Ask) -> Iterator[str]:
    asked = call(ask)
    if ask.status is None:
        yield f"assertThrows(IOException.class, () -> {asked}); // no answer"
    elif not ask.says and ask.header is None:
        yield f"assertEquals({ask.status}, {asked}.statusCode());"
    else:
        yield f"var answer = {asked};"
        yield f"assertEquals({ask.status}, answer.statusCode());"
        if ask.says:
            yield f"assertTrue(answer.body().contains({json.dumps(ask.says)}), answer.body());"
        if ask.header is not None:
            name, value = ask.header
            yield f'assertEquals("{value}", answer.headers().firstValue("{name}").orElse(""));'


def call(ask: Ask) -> str:
    client = ask.client.name
    if ask.path is None:
        return f"{client}.scale({json.dumps(ask.body)})"
    if ask.path == ELEVEN_GUIDS:
        return f'{client}.get("/v3/processes?guids=" + "%036d,".formatted(1).repeat(10) + "%036d".formatted(1))'
    rest = behind_process(ask.path)
    if rest is None:
        return f'{client}.get("{ask.path}")'
    return f'{client}.get(PROCESS + "{rest}")' if rest else f"{client}.get(PROCESS)"
