package mockfoundry;

import static mockfoundry.MockfoundryExtension.honoursRetryAfter;
import static mockfoundry.MockfoundryExtension.status;
import static mockfoundry.MockfoundryExtension.times;
import static mockfoundry.MockfoundryExtension.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import mockfoundry.MockfoundryExtension.Foundation;
import mockfoundry.MockfoundryExtension.Json;
import mockfoundry.MockfoundryExtension.MockfoundryException;
import mockfoundry.MockfoundryExtension.Server;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.function.Executable;
import org.junit.platform.testkit.engine.EngineTestKit;

/** What the door for Java says when something is wrong, and that it leaves nothing behind. */
@ExtendWith(MockfoundryExtension.class)
class DoorTest {
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  static HttpResponse<String> scale(Foundation foundation, int instances) throws Exception {
    String guid = foundation.process("dora", "web").guid();
    return HTTP.send(
        HttpRequest.newBuilder(URI.create(foundation.url() + "/v3/processes/" + guid + "/actions/scale"))
            .header("Authorization", "bearer " + foundation.token("alice"))
            .POST(HttpRequest.BodyPublishers.ofString("{\"instances\": " + instances + "}"))
            .build(),
        BodyHandlers.ofString());
  }

  private static int statusOf(Foundation foundation) throws Exception {
    return HTTP.send(
            HttpRequest.newBuilder(URI.create(foundation.url() + "/v3/processes"))
                .header("Authorization", "bearer admin")
                .build(),
            BodyHandlers.ofString())
        .statusCode();
  }

  private static void mustSay(Class<? extends Throwable> kind, Executable what, String... wanted) {
    String said = assertThrows(kind, what).getMessage();
    for (String each : wanted) {
      assertTrue(said.contains(each), () -> each + " is not in: " + said);
    }
  }

  @Test
  void aVerificationThatFailsShowsTheNearestRequest(Foundation foundation) throws Exception {
    assertEquals(202, scale(foundation, 2).statusCode());
    mustSay(
        AssertionError.class,
        () -> foundation.verify("scaleProcess", status(409)),
        "expected scaleProcess answered 409",
        "#1 ",
        "scaleProcess dora/web as alice {\"instances\": 2} → 202");
  }

  @Test
  void aRetryThatComesTooEarlyIsShown(Foundation foundation) throws Exception {
    foundation.play("unavailable-then-ok");
    for (int each = 0; each < 3; each++) {
      scale(foundation, 2);
    }
    var audit = foundation.retries();
    assertEquals(List.of(2, 2, 0), List.of(audit.repeats(), audit.dishonoured(), audit.twice()));
    mustSay(AssertionError.class, () -> foundation.retries(honoursRetryAfter()), "Retry-After", "scaleProcess");
  }

  @Test
  void whatTheServerRefusesIsSaidWithItsMend(Foundation foundation) {
    Class<MockfoundryException> kind = MockfoundryException.class;
    mustSay(kind, () -> foundation.play("confict"), "did you mean conflict?");
    mustSay(kind, () -> foundation.token("alise"), "did you mean alice?");
    mustSay(kind, () -> foundation.playText("rules: []"), "has no `scenario: NAME`");
    mustSay(kind, () -> foundation.process("dora", "wep"), "dora web", "dora worker");
    mustSay(kind, () -> Server.shared().foundation("organization: []"), "did you mean organizations?");
    mustSay(kind, () -> foundation.check("", with("timse", 1)), "timse");
  }

  @Test
  void aServerThatDoesNotStartSaysWhy() {
    mustSay(
        MockfoundryException.class,
        () -> Server.start("--seed", "none.yaml"),
        "did not start",
        "none.yaml: can't be read");
  }

  @Test
  void aServerThatIsAwayIsSaid() {
    var nobody = Server.connect("http://127.0.0.1:1/foundations/ci-42/", "");
    assertEquals("http://127.0.0.1:1", nobody.url());
    mustSay(MockfoundryException.class, nobody::foundation, "http://127.0.0.1:1 does not answer");
  }

  @Test
  void aServerEndsWhenItIsClosedAndItsControlTokenIsSent() {
    String url;
    try (var server = Server.start("--control-token", "s3cr3t")) {
      url = server.url();
      server.foundation().play("conflict");
      mustSay(MockfoundryException.class, () -> Server.connect(url, "").foundation(), "X-Mock-Control-Token");
    }
    assertThrows(
        IOException.class,
        () -> HTTP.send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString()));
  }

  @Test
  void everythingElseThatAFoundationDoes(Foundation foundation) {
    Instant before = foundation.clock().freeze();
    assertEquals(before.plusMillis(1500), foundation.clock().advance(Duration.ofMillis(1500)));
    Instant moment = Instant.parse("2040-01-02T03:04:05.000006Z");
    assertEquals(moment, foundation.clock().set(moment));
    assertEquals(moment, foundation.clock().now());
    foundation.clock().rate(10);
    foundation.clock().run();

    foundation.playText(
        "{\"scenario\": \"own\", \"rules\": [{\"operation\": \"listProcesses\", \"respond\": {\"status\": 503}}]}");
    foundation.play("conflict");
    foundation.stop("own");
    foundation.stopAll();
    assertTrue(foundation.check("", times(0)).holds());
    assertEquals(0, foundation.release("nothing"));
    foundation.change(Map.of("feature_flags", Map.of("app_scaling", false)));
    assertEquals(false, flag(foundation));
    foundation.reset();
    assertEquals(true, flag(foundation));
  }

  private static Object flag(Foundation foundation) {
    return ((Map<?, ?>) foundation.state().get("feature_flags")).get("app_scaling");
  }

  @Test
  void jsonIsReadAndWritten() {
    String text = "{\"a\\n\\u00e4\\\"\":[1,-2.5,1.0E9,true,false,null,{},[]],\"b\":\"\\\\\"}";
    Object value = Json.read(" " + text.replace(",", " ,\n") + "\t");
    assertEquals(Arrays.asList(1L, -2.5, 1e9, true, false, null, Map.of(), List.of()), ((Map<?, ?>) value).get("a\nä\""));
    assertEquals(text.replace("\\n", "\\u000a").replace("\\u00e4", "ä"), Json.write(value));
    for (String wrong : List.of("", "{", "[1,]", "{\"a\" 1}", "\"a", "nul", "1 2", "{a: 1}", "\"\\u12")) {
      assertThrows(IllegalArgumentException.class, () -> Json.read(wrong), wrong);
    }
  }

  /** Tests inside a test: what they were given. */
  static final List<Foundation> GIVEN = new ArrayList<>();

  @ExtendWith(MockfoundryExtension.class)
  @Tag("inner")
  static class FailingTest {
    @BeforeAll
    static void all(Foundation foundation) {
      GIVEN.add(foundation);
    }

    @BeforeEach
    void before(Foundation foundation) {
      GIVEN.add(foundation);
    }

    @Test
    void fails(Foundation foundation) throws Exception {
      GIVEN.add(foundation);
      scale(foundation, 2);
      throw new AssertionError("on purpose");
    }

    @AfterEach
    void after(Foundation foundation) throws Exception {
      GIVEN.add(foundation);
      assertEquals(200, statusOf(foundation));
    }
  }

  @Test
  void aTestHasOneFoundationWhichGoesWithItAndWhatClientsDidIsShown() throws Exception {
    var said = new ByteArrayOutputStream();
    PrintStream before = System.err;
    System.setErr(new PrintStream(said, true));
    try {
      EngineTestKit.engine("junit-jupiter")
          .selectors(selectClass(FailingTest.class))
          .execute()
          .testEvents()
          .assertStatistics(statistics -> statistics.started(1).failed(1));
    } finally {
      System.setErr(before);
    }
    assertEquals(4, GIVEN.size());
    assertEquals(List.of(GIVEN.get(1), GIVEN.get(1)), GIVEN.subList(2, 4));
    assertNotEquals(GIVEN.get(0), GIVEN.get(1));
    for (Foundation each : GIVEN.subList(0, 2)) {
      assertEquals(404, statusOf(each));
    }
    assertTrue(said.toString().contains("what clients did in fails(Foundation)"), said::toString);
    assertTrue(said.toString().contains("scaleProcess dora/web as alice {\"instances\": 2} → 202"), said::toString);
  }

  @Test
  void theSharedServerIsTold(Foundation foundation) {
    System.out.println("the shared server is " + Server.shared().url());
    assertTrue(foundation.url().startsWith(Server.shared().url()));
  }
}
