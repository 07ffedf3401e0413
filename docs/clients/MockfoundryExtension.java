package mockfoundry;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.lang.reflect.Constructor;
import java.math.BigDecimal;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;

/**
 * Gives each JUnit 5 test a Cloud Foundry of its own, which breaks when the test says so.
 *
 * <p>Copy this file to {@code src/test/java/mockfoundry/MockfoundryExtension.java}. It needs JDK 17 and
 * {@code junit-jupiter-api}, nothing else. The server is the command {@code mockfoundry} ({@code make wheel} in a clone
 * of it, and pip install the file), or one that is running already.
 *
 * <pre>{@code
 * @ExtendWith(MockfoundryExtension.class)
 * class ScalerTest {
 *   @Test
 *   void overcomesAConflict(Foundation foundation) {
 *     foundation.play("conflict-then-ok");
 *     var scaler = new Scaler(foundation.url(), foundation.token("alice")); // what you test
 *     scaler.scale("dora", 5);
 *     foundation.verify("scaleProcess", times(2));
 *     assertEquals(5, foundation.process("dora", "web").instances());
 *   }
 * }
 * }</pre>
 *
 * <p>A test method, and its {@code @BeforeEach} and {@code @AfterEach}, are given the same foundation; it is deleted after
 * the test. If the test has failed, the standard error shows what its clients did. {@code @BeforeAll} is given one for the
 * class. {@link Seed} says what a foundation begins with.
 *
 * <p>All tests share one server, on a free port; it ends with their JVM. Three variables change that:
 *
 * <ul>
 *   <li>{@code MOCKFOUNDRY_URL}: use the server that is running there, such as a CI service container
 *   <li>{@code MOCKFOUNDRY_CONTROL_TOKEN}: its {@code --control-token}, if it has one
 *   <li>{@code MOCKFOUNDRY_COMMAND}: what starts a server in place of {@code mockfoundry}
 * </ul>
 */
public final class MockfoundryExtension implements ParameterResolver, AfterEachCallback, AfterAllCallback {

  /** What a test's foundation begins with: the text of a seed file, YAML or JSON. A method's own wins over its class's. */
  @Retention(RetentionPolicy.RUNTIME)
  @Target({ElementType.TYPE, ElementType.METHOD})
  public @interface Seed {
    String value();
  }

  /** A server refuses what it is asked, does not start, or does not answer. The message says what to do. */
  public static final class MockfoundryException extends RuntimeException {
    private static final long serialVersionUID = 1;

    MockfoundryException(String message, Throwable cause) {
      super("mockfoundry: " + message, cause);
    }
  }

  private static final Namespace NAMESPACE = Namespace.create(MockfoundryExtension.class);
  private static final int REPORTED_REQUESTS = 30;

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    // The context of a constructor is that of all tests of its class.
    return parameter.getParameter().getType() == Foundation.class
        && !(parameter.getDeclaringExecutable() instanceof Constructor);
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    // A key of its own, or a test would find the foundation of its class.
    return context
        .getStore(NAMESPACE)
        .getOrComputeIfAbsent(context.getUniqueId(), key -> makeFoundation(context), Foundation.class);
  }

  private static Foundation makeFoundation(ExtensionContext context) {
    Optional<Seed> seed =
        context
            .getTestMethod()
            .flatMap(method -> AnnotationSupport.findAnnotation(method, Seed.class))
            .or(() -> AnnotationSupport.findAnnotation(context.getRequiredTestClass(), Seed.class));
    return Server.shared().foundation(seed.map(Seed::value).orElse(""));
  }

  @Override
  public void afterEach(ExtensionContext context) {
    end(context);
  }

  @Override
  public void afterAll(ExtensionContext context) {
    end(context);
  }

  private static void end(ExtensionContext context) {
    Foundation foundation = context.getStore(NAMESPACE).remove(context.getUniqueId(), Foundation.class);
    if (foundation == null) {
      return;
    }
    try {
      if (context.getExecutionException().isPresent()) {
        System.err.println("mockfoundry: what clients did in " + context.getDisplayName());
        foundation.requestLines(REPORTED_REQUESTS).forEach(line -> System.err.println("  " + line));
      }
      foundation.delete();
    } catch (MockfoundryException error) {
      // What the test says matters more than that its foundation is gone already.
      System.err.println(error.getMessage());
    }
  }

  /** A running mockfoundry. One that was started ends with {@link #close}, or with this JVM. */
  public static final class Server implements AutoCloseable {
    private static final Duration START_TIMEOUT = Duration.ofSeconds(60);
    private static final Pattern START_LINE = Pattern.compile("\\s*URL\\s+(http://\\S+).*");
    private static Server shared;

    private final String url;
    private final String controlToken;
    private final Process process;
    // No proxy of the environment stands between a test and its server.
    private final HttpClient client =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).proxy(HttpClient.Builder.NO_PROXY).build();

    private Server(String url, String controlToken, Process process) {
      this.url = url;
      this.controlToken = controlToken;
      this.process = process;
    }

    /** The server of all tests: that of MOCKFOUNDRY_URL, or else one that is started on the first call. */
    public static synchronized Server shared() {
      if (shared == null) {
        String running = environment("MOCKFOUNDRY_URL");
        shared = running.isEmpty() ? start() : connect(running, environment("MOCKFOUNDRY_CONTROL_TOKEN"));
      }
      return shared;
    }

    /**
     * A server that is running.
     *
     * @param url its URL, or that of one of its foundations, as {@code mockfoundry login} exports it
     * @param controlToken empty if it has none
     */
    public static Server connect(String url, String controlToken) {
      return new Server(url.replaceFirst("(/foundations/[^/]*)?/*$", ""), controlToken, null);
    }

    /** Starts a server with options of {@code mockfoundry serve}: {@code start("--strict")}. */
    public static Server start(String... options) {
      String command = environment("MOCKFOUNDRY_COMMAND");
      List<String> words = new ArrayList<>(List.of((command.isEmpty() ? "mockfoundry" : command).split(" ")));
      // Its standard input is a pipe of this JVM: it ends when the JVM is gone, however that ends.
      words.addAll(List.of("serve", "--host", "127.0.0.1", "--port", "0", "--until-stdin-ends"));
      words.addAll(Arrays.asList(options));
      Process process = null;
      try {
        Path said = Files.createTempFile("mockfoundry", ".log");
        said.toFile().deleteOnExit();
        ProcessBuilder builder = new ProcessBuilder(words).redirectError(said.toFile());
        // A token of the environment is that of another server.
        builder.environment().remove("MOCKFOUNDRY_CONTROL_TOKEN");
        process = builder.start();
        return new Server(readUrl(process, said), optionAfter(options, "--control-token"), process);
      } catch (IOException error) {
        String mend = "install it, name the command by MOCKFOUNDRY_COMMAND, or a running server by MOCKFOUNDRY_URL";
        throw new MockfoundryException(error.getMessage() + "; " + mend, error);
      } catch (MockfoundryException error) {
        process.destroyForcibly();
        throw error;
      }
    }

    private static String readUrl(Process process, Path said) throws IOException {
      Thread watchdog = new Thread(() -> endLateStart(process), "mockfoundry start");
      watchdog.setDaemon(true);
      watchdog.start();
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher found = START_LINE.matcher(line);
        if (found.matches()) {
          watchdog.interrupt();
          Thread drain = new Thread(() -> lines.lines().forEach(each -> {}), "mockfoundry output");
          drain.setDaemon(true);
          drain.start();
          return found.group(1);
        }
      }
      throw new MockfoundryException("the server did not start: " + Files.readString(said).strip(), null);
    }

    private static void endLateStart(Process process) {
      try {
        Thread.sleep(START_TIMEOUT.toMillis());
        process.destroyForcibly();
      } catch (InterruptedException started) {
        // It is there.
      }
    }

    private static String optionAfter(String[] options, String name) {
      int at = Arrays.asList(options).indexOf(name);
      return at >= 0 && at + 1 < options.length ? options[at + 1] : "";
    }

    private static String environment(String name) {
      return Optional.ofNullable(System.getenv(name)).orElse("");
    }

    /** Its URL, without a slash at the end. */
    public String url() {
      return url;
    }

    /** A foundation from the server's seed. Its user deletes it; those of parameters are deleted by the extension. */
    public Foundation foundation() {
      return foundation("");
    }

    /** A foundation from the text of a seed file, YAML or JSON; from the server's seed if the text is empty. */
    public Foundation foundation(String seed) {
      Foundation made = new Foundation(this, "java-" + UUID.randomUUID().toString().replace("-", "").substring(12));
      // One that was started elsewhere may play scenarios; a test begins without them.
      made.call("PUT", process == null ? "?scenarios=none" : "", seed.isEmpty() ? null : new Yaml(seed));
      return made;
    }

    /** Ends the server if it was started by {@link #start}. */
    @Override
    public void close() {
      if (process == null) {
        return;
      }
      try {
        process.getOutputStream().close();
        if (!process.waitFor(START_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (IOException error) {
        process.destroyForcibly();
      } catch (InterruptedException interrupted) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }

    /**
     * Any call of the control API: {@code call("GET", "/scenarios", null)}.
     *
     * @param body a value that is sent as JSON, {@link Yaml}, or null
     * @return what JSON holds (maps, lists, strings, numbers, booleans, null), the text of another answer, or null for none
     */
    public Object call(String method, String path, Object body) {
      HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + "/__mock" + path)).timeout(CALL_TIMEOUT);
      if (body instanceof Yaml yaml) {
        request.header("Content-Type", "application/yaml");
        request.method(method, HttpRequest.BodyPublishers.ofString(yaml.text()));
      } else if (body != null) {
        request.header("Content-Type", "application/json");
        request.method(method, HttpRequest.BodyPublishers.ofString(Json.write(body)));
      } else {
        request.method(method, HttpRequest.BodyPublishers.noBody());
      }
      if (!controlToken.isEmpty()) {
        request.header("X-Mock-Control-Token", controlToken);
      }
      try {
        var response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        boolean isJson = response.headers().firstValue("Content-Type").orElse("").contains("json");
        Object text = response.body().isEmpty() ? null : response.body();
        Object answer = isJson ? Json.read(response.body()) : text;
        if (response.statusCode() >= 300) {
          throw new MockfoundryException(String.valueOf(((Map<?, ?>) answer).get("detail")), null);
        }
        return answer;
      } catch (IOException error) {
        throw new MockfoundryException(url + " does not answer: " + error, error);
      } catch (ClassCastException | IllegalArgumentException | NullPointerException error) {
        throw new MockfoundryException(url + " does not answer as mockfoundry does", error);
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        throw new MockfoundryException("interrupted", interrupted);
      }
    }

    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(100); // longer than any verify may wait
  }

  /** One Cloud Foundry, with its own world, clock, scenarios and journal. */
  public static final class Foundation {
    private static final Pattern SCENARIO_NAME =
        Pattern.compile("(?m)(?:^|[{,])[ \\t]*[\"']?scenario[\"']?[ \\t]*:[ \\t]*[\"']?([A-Za-z0-9_.-]+)");

    private final Server server;
    private final String name;
    private final Clock clock = new Clock(this);

    private Foundation(Server server, String name) {
      this.server = server;
      this.name = name;
    }

    /** Its name. */
    public String name() {
      return name;
    }

    /** The API's address, for the client that is tested. */
    public String url() {
      return server.url() + "/foundations/" + name;
    }

    /** Its virtual time. */
    public Clock clock() {
      return clock;
    }

    /**
     * A bearer token of a user of the seed, or of {@code admin}. It leads a client to this foundation by itself, even if
     * the client uses the server's URL.
     */
    public String token(String user) {
      return (String) object(call("POST", "/tokens", Map.of("user", user))).get("access_token");
    }

    /** A token with a lifetime on the foundation's clock. */
    public String token(String user, Duration lifetime) {
      Map<String, Object> body = Map.of("user", user, "expires_in", seconds(lifetime));
      return (String) object(call("POST", "/tokens", body)).get("access_token");
    }

    /** Switches a scenario of the library on ({@code mockfoundry scenarios} lists it). One that is on begins again. */
    public void play(String scenario) {
      call("PUT", "/scenarios/" + encode(scenario), null);
    }

    /** Switches on the scenario that a text is, YAML or JSON. */
    public void playText(String scenario) {
      Matcher found = SCENARIO_NAME.matcher(scenario);
      if (!found.find()) {
        throw new MockfoundryException("the text has no `scenario: NAME`; give it one", null);
      }
      call("PUT", "/scenarios/" + encode(found.group(1)), new Yaml(scenario));
    }

    /** Switches a scenario off; what it changed in the world is undone. */
    public void stop(String scenario) {
      call("DELETE", "/scenarios/" + encode(scenario), null);
    }

    /** Switches every scenario off. */
    public void stopAll() {
      call("DELETE", "/scenarios", null);
    }

    /** Lets the requests go on that a scenario holds under a name, and says how many there were. */
    public int release(String hold) {
      return number(object(call("POST", "/holds/" + encode(hold) + "/release", null)).get("released"));
    }

    /** Sets everything back to how it began: world, clock, scenarios, counters and journal. */
    public void reset() {
      call("POST", "/reset", null);
    }

    /** Deletes it. Its clients get a 404 from then on. */
    public void delete() {
      call("DELETE", "", null);
    }

    /** The world, with the keys of a seed file: maps, lists, strings, numbers, booleans and nulls. */
    public Map<String, Object> state() {
      return object(call("GET", "/state", null));
    }

    /** Changes the world by YAML text with a seed file's keys: {@code "feature_flags: {app_scaling: false}"}. */
    public void change(String patch) {
      call("PATCH", "/state", new Yaml(patch));
    }

    /** Changes the world: what is found by its name is changed, what is not named stays. */
    public void change(Map<String, ?> patch) {
      call("PATCH", "/state", patch);
    }

    /** The process of a type in an app, by their names. If several spaces have such an app, it is the first one. */
    public AppProcess process(String app, String type) {
      List<String> there = new ArrayList<>();
      for (Object organization : list(state().get("organizations"))) {
        for (Object space : list(object(organization).get("spaces"))) {
          for (Object each : list(object(space).get("apps"))) {
            for (Object process : list(object(each).get("processes"))) {
              if (app.equals(object(each).get("name")) && type.equals(object(process).get("type"))) {
                return AppProcess.of(object(each), object(process));
              }
              there.add(object(each).get("name") + " " + object(process).get("type"));
            }
          }
        }
      }
      throw new MockfoundryException("there is no process " + app + " " + type + "; there are: " + there, null);
    }

    /** What clients did: which requests of an operation, empty for any, came as is expected. */
    public Verdict check(String operation, Expectation... expected) {
      Map<String, Object> question = new LinkedHashMap<>();
      if (!operation.isEmpty()) {
        question.put("operation", operation);
      }
      for (Expectation each : expected) {
        each.accept(question);
      }
      return Verdict.of(object(call("POST", "/verify", question)));
    }

    /** As {@link #check}, but fails the test where it does not hold. */
    public void verify(String operation, Expectation... expected) {
      Verdict verdict = check(operation, expected);
      if (!verdict.holds()) {
        throw new AssertionError("mockfoundry: " + verdict.said());
      }
    }

    /** What clients repeated; fails the test where that is beyond a limit. */
    public Audit retries(Limit... limits) {
      Map<String, String> query = new LinkedHashMap<>();
      for (Limit each : limits) {
        each.accept(query);
      }
      List<String> pairs = new ArrayList<>();
      query.forEach((key, value) -> pairs.add(key + "=" + encode(value)));
      Map<String, Object> answer = object(call("GET", "/retries?" + String.join("&", pairs), null));
      Verdict verdict = Verdict.of(object(answer.get("verdict")));
      String table = (String) answer.get("table");
      if (limits.length > 0 && !verdict.holds()) {
        throw new AssertionError("mockfoundry: " + verdict.said() + "\n" + table);
      }
      return new Audit(
          number(answer.get("repeats")), number(answer.get("dishonoured")), number(answer.get("twice")), table);
    }

    List<String> requestLines(int most) {
      Object lines = call("GET", "/requests?format=text&limit=" + most, null);
      return lines == null ? List.of() : ((String) lines).lines().toList();
    }

    /** Any call of the control API about this foundation: {@code call("GET", "/changes", null)}; see {@link Server#call}. */
    public Object call(String method, String path, Object body) {
      return server.call(method, "/foundations/" + name + path, body);
    }
  }

  /** A foundation's virtual time. When a method returns, everything due by the new time has happened. */
  public static final class Clock {
    private final Foundation foundation;

    private Clock(Foundation foundation) {
      this.foundation = foundation;
    }

    /** Its time. */
    public Instant now() {
      return instant(foundation.call("GET", "/clock", null));
    }

    /** Stops it. */
    public Instant freeze() {
      return change("frozen", true);
    }

    /** Lets it run with real time. */
    public Instant run() {
      return rate(1);
    }

    /** Makes so many of its seconds pass in a real one. */
    public Instant rate(double rate) {
      return change("rate", rate);
    }

    /** Lets a duration pass at once. */
    public Instant advance(Duration by) {
      return change("advance", seconds(by));
    }

    /** Sets it to a moment that is not in its past. */
    public Instant set(Instant to) {
      return change("now", to.toString());
    }

    private Instant change(String key, Object value) {
      return instant(foundation.call("PATCH", "/clock", Map.of(key, value)));
    }

    private static Instant instant(Object answer) {
      return Instant.parse((String) object(answer).get("now"));
    }
  }

  /** A process as it is now. */
  public record AppProcess(
      String guid, String type, int instances, int memoryInMb, int diskInMb, String appGuid, String appState) {
    static AppProcess of(Map<String, Object> app, Map<String, Object> process) {
      return new AppProcess(
          (String) process.get("guid"),
          (String) process.get("type"),
          number(process.get("instances")),
          number(process.get("memory_in_mb")),
          number(process.get("disk_in_mb")),
          (String) app.get("guid"),
          (String) app.get("state"));
    }
  }

  /**
   * Whether the journal holds what was expected.
   *
   * @param result {@code holds}, {@code does_not_hold} or {@code cannot_be_known}
   * @param said the nearest request too, and how it differs
   */
  public record Verdict(String result, String said) {
    static Verdict of(Map<String, Object> answer) {
      return new Verdict((String) answer.get("result"), (String) answer.get("said"));
    }

    /** Whether everything is as expected. */
    public boolean holds() {
      return result.equals("holds");
    }
  }

  /**
   * What clients repeated.
   *
   * @param dishonoured repeats that came earlier than Retry-After allows
   * @param twice repeats that changed the world a second time
   * @param table for people
   */
  public record Audit(int repeats, int dishonoured, int twice, String table) {}

  /** Narrows down which requests {@code verify} counts, or says how many there must be. */
  public interface Expectation extends Consumer<Map<String, Object>> {}

  /** Exactly so many requests. Without times, atLeast and atMost there must be at least one. */
  public static Expectation times(int count) {
    return with("times", count);
  }

  /** So many requests or more. */
  public static Expectation atLeast(int count) {
    return with("at_least", count);
  }

  /** So many requests or fewer. */
  public static Expectation atMost(int count) {
    return with("at_most", count);
  }

  /** Only requests that were answered with one of these statuses. */
  public static Expectation status(Integer... statuses) {
    return with("status", List.of(statuses));
  }

  /** Only requests of this user. */
  public static Expectation actor(String user) {
    return with("actor", user);
  }

  /** Only requests that a fault on the wire hit: {@code reset}, {@code empty}, …, {@code any}, or {@code none}. */
  public static Expectation fault(String name) {
    return with("fault", name);
  }

  /** Only requests whose change was kept, or was not, whatever their client was told. */
  public static Expectation kept(boolean kept) {
    return with("kept", kept);
  }

  /** Only requests that still wait: held, or delayed. */
  public static Expectation waiting() {
    return with("answered", false);
  }

  /** Waits until it holds, a minute at most. */
  public static Expectation within(Duration patience) {
    return with("within", seconds(patience));
  }

  /** Any other key of the control API's verify: {@code with("when", Map.of("body", Map.of("instances", 5)))}. */
  public static Expectation with(String key, Object value) {
    return question -> question.put(key, value);
  }

  /** What clients may repeat. */
  public interface Limit extends Consumer<Map<String, String>> {}

  /** Each request may be repeated so often. */
  public static Limit maxRepeats(int count) {
    return query -> query.put("max", String.valueOf(count));
  }

  /** No repeat may come earlier than Retry-After allows. */
  public static Limit honoursRetryAfter() {
    return query -> query.put("honours_retry_after", "true");
  }

  /** No repeat may change the world a second time. */
  public static Limit neverTwice() {
    return query -> query.put("never_twice", "true");
  }

  /** A body that is sent as YAML. */
  public record Yaml(String text) {}

  /** A duration as the control API reads it, to the microsecond. */
  private static String seconds(Duration duration) {
    return BigDecimal.valueOf(duration.toNanos() / 1_000, 6).toPlainString() + "s";
  }

  private static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> object(Object value) {
    return (Map<String, Object>) value;
  }

  private static List<?> list(Object value) {
    return (List<?>) value;
  }

  private static int number(Object value) {
    return ((Number) value).intValue();
  }

  /** JSON, which the JDK can't read: objects are maps in their order, numbers are Long or Double. */
  static final class Json {
    private static final Pattern NUMBER = Pattern.compile("-?\\d+(\\.\\d+)?([eE][+-]?\\d+)?");

    private final String text;
    private int at;

    private Json(String text) {
      this.text = text;
    }

    /**
     * The value of a text.
     *
     * @throws IllegalArgumentException it is not JSON
     */
    static Object read(String text) {
      Json json = new Json(text);
      Object value = json.value();
      json.blanks();
      if (json.at < text.length()) {
        throw json.unexpected();
      }
      return value;
    }

    private Object value() {
      blanks();
      switch (peek()) {
        case '{':
          return members();
        case '[':
          return items();
        case '"':
          return string();
        case 't':
          return word("true", true);
        case 'f':
          return word("false", false);
        case 'n':
          return word("null", null);
        default:
          return number();
      }
    }

    private Map<String, Object> members() {
      Map<String, Object> members = new LinkedHashMap<>();
      for (char closes = open('}'); closes != '}'; closes = next(',', '}')) {
        blanks();
        String key = string();
        next(':', ':');
        members.put(key, value());
      }
      return members;
    }

    private List<Object> items() {
      List<Object> items = new ArrayList<>();
      for (char closes = open(']'); closes != ']'; closes = next(',', ']')) {
        items.add(value());
      }
      return items;
    }

    /** Goes past an opening bracket; past the closing one too where nothing stands between. */
    private char open(char closing) {
      at++;
      blanks();
      return peek() == closing ? next(closing, closing) : ',';
    }

    private char next(char one, char other) {
      blanks();
      char found = peek();
      if (found != one && found != other) {
        throw unexpected();
      }
      at++;
      return found;
    }

    private String string() {
      if (peek() != '"') {
        throw unexpected();
      }
      StringBuilder made = new StringBuilder();
      for (at++; peek() != '"'; at++) {
        made.append(peek() == '\\' ? escaped() : peek());
      }
      at++;
      return made.toString();
    }

    private char escaped() {
      at++;
      char sign = peek();
      if (sign == 'u') {
        at += 4;
        return (char) Integer.parseInt(text.substring(at - 3, Math.min(at + 1, text.length())), 16);
      }
      int index = "bfnrt".indexOf(sign);
      return index < 0 ? sign : "\b\f\n\r\t".charAt(index);
    }

    private Object word(String word, Object value) {
      if (!text.startsWith(word, at)) {
        throw unexpected();
      }
      at += word.length();
      return value;
    }

    private Object number() {
      Matcher found = NUMBER.matcher(text).region(at, text.length());
      if (!found.lookingAt()) {
        throw unexpected();
      }
      at = found.end();
      // Not by `? :`, which would make a double of both.
      if (found.group(1) == null && found.group(2) == null) {
        return Long.valueOf(found.group());
      }
      return Double.valueOf(found.group());
    }

    private void blanks() {
      while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
        at++;
      }
    }

    private char peek() {
      if (at >= text.length()) {
        throw unexpected();
      }
      return text.charAt(at);
    }

    private IllegalArgumentException unexpected() {
      return new IllegalArgumentException("is not JSON at character " + at);
    }

    /** The text of a value: of maps, iterables, numbers, booleans, null, and of others as strings. */
    static String write(Object value) {
      if (value == null || value instanceof Boolean || value instanceof Number) {
        return String.valueOf(value);
      }
      List<String> parts = new ArrayList<>();
      if (value instanceof Map<?, ?> map) {
        map.forEach((key, inside) -> parts.add(quote(String.valueOf(key)) + ":" + write(inside)));
        return "{" + String.join(",", parts) + "}";
      }
      if (value instanceof Iterable<?> values) {
        values.forEach(each -> parts.add(write(each)));
        return "[" + String.join(",", parts) + "]";
      }
      return quote(value.toString());
    }

    private static String quote(String text) {
      StringBuilder made = new StringBuilder("\"");
      for (char sign : text.toCharArray()) {
        if (sign == '"' || sign == '\\') {
          made.append('\\').append(sign);
        } else if (sign < ' ') {
          made.append(String.format("\\u%04x", (int) sign));
        } else {
          made.append(sign);
        }
      }
      return made.append('"').toString();
    }
  }
}
