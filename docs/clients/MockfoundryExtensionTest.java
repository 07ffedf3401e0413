package com.example.yours;

import static mockfoundry.MockfoundryExtension.actor;
import static mockfoundry.MockfoundryExtension.honoursRetryAfter;
import static mockfoundry.MockfoundryExtension.kept;
import static mockfoundry.MockfoundryExtension.maxRepeats;
import static mockfoundry.MockfoundryExtension.neverTwice;
import static mockfoundry.MockfoundryExtension.status;
import static mockfoundry.MockfoundryExtension.times;
import static mockfoundry.MockfoundryExtension.waiting;
import static mockfoundry.MockfoundryExtension.within;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import mockfoundry.MockfoundryExtension;
import mockfoundry.MockfoundryExtension.Foundation;
import mockfoundry.MockfoundryExtension.Seed;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** How a Java project tests with mockfoundry. Scaler stands for your own client; the rest are tests to copy. */
@ExtendWith(MockfoundryExtension.class)
class MockfoundryExtensionTest {

  /** Changes how many instances a process has. It repeats a request that met a conflict or a server away. */
  record Scaler(String url, String token, Consumer<Duration> sleep) {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    void scale(String process, int instances) throws IOException, InterruptedException {
      var request =
          HttpRequest.newBuilder(URI.create(url + "/v3/processes/" + process + "/actions/scale"))
              .header("Authorization", "bearer " + token)
              .header("Content-Type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofString("{\"instances\": " + instances + "}"))
              .build();
      for (int attempt = 1; ; attempt++) {
        var response = HTTP.send(request, BodyHandlers.ofString());
        if (response.statusCode() == 202) {
          return;
        }
        if (attempt == 3 || response.statusCode() != 409 && response.statusCode() != 503) {
          throw new IOException("scale: " + response.statusCode());
        }
        // What Retry-After asks for; a second where there is none.
        sleep.accept(Duration.ofSeconds(response.headers().firstValueAsLong("Retry-After").orElse(1)));
      }
    }
  }

  /** A client that sleeps on the foundation's clock: a wait of minutes takes no time. */
  private static Scaler scaler(Foundation foundation, String token) {
    foundation.clock().freeze();
    return new Scaler(foundation.url(), token, foundation.clock()::advance);
  }

  @Test
  void aConflictIsOvercome(Foundation foundation) throws Exception {
    foundation.play("conflict-then-ok");

    scaler(foundation, foundation.token("alice")).scale(foundation.process("dora", "web").guid(), 5);

    foundation.verify("scaleProcess", times(2));
    foundation.verify("scaleProcess", status(202), times(1));
    assertEquals(5, foundation.process("dora", "web").instances());
  }

  @Test
  void aServerThatIsAwayIsAskedAgainWhenItSays(Foundation foundation) throws Exception {
    foundation.play("unavailable-then-ok");

    scaler(foundation, foundation.token("admin")).scale(foundation.process("dora", "web").guid(), 5);

    foundation.retries(maxRepeats(2), honoursRetryAfter(), neverTwice());
  }

  @Test
  void whoMayOnlyReadScalesNothing(Foundation foundation) {
    var otto = scaler(foundation, foundation.token("otto")); // an auditor
    var process = foundation.process("dora", "web").guid();

    assertThrows(IOException.class, () -> otto.scale(process, 5));

    foundation.verify("scaleProcess", actor("otto"), status(403), kept(false), times(1));
  }

  @Test
  void anExpiredTokenIsNotRepeated(Foundation foundation) {
    var scaler = scaler(foundation, foundation.token("alice", Duration.ofMinutes(10)));
    var process = foundation.process("dora", "web").guid();
    foundation.clock().advance(Duration.ofMinutes(11));

    assertThrows(IOException.class, () -> scaler.scale(process, 5));

    foundation.verify("scaleProcess", status(401), times(1));
  }

  @Test
  @Seed(
      """
      organizations:
        - name: acme
          quota: {total_instances: 3}
          spaces: [{name: dev, apps: [{name: dora, processes: [{type: web, instances: 1}]}]}]
      """)
  void aQuotaIsTheEnd(Foundation foundation) throws Exception {
    var scaler = scaler(foundation, foundation.token("admin"));
    var process = foundation.process("dora", "web").guid();

    assertThrows(IOException.class, () -> scaler.scale(process, 5));

    foundation.change("organizations: [{name: acme, quota: {total_instances: 10}}]");
    scaler.scale(process, 5);
  }

  @Test
  void theOlderOfTwoDecisionsWins(Foundation foundation) throws Exception {
    foundation.play("held-scale");
    var scaler = scaler(foundation, foundation.token("alice"));
    var process = foundation.process("dora", "web").guid();

    var first =
        CompletableFuture.runAsync(
            () -> {
              try {
                scaler.scale(process, 3);
              } catch (IOException | InterruptedException error) {
                throw new IllegalStateException(error);
              }
            });
    foundation.verify("scaleProcess", waiting(), within(Duration.ofSeconds(5))); // it has come, and is held
    scaler.scale(process, 5);
    foundation.release("first-scale");
    first.join();

    assertEquals(3, foundation.process("dora", "web").instances());
  }
}
