"""Recipes of connections by TLS that break, in each language: their tests, and what these share. Runs none."""

import json
from collections.abc import Callable

from tests.clients.tls_words import last_words
from tests.recipes.cookbook import TLS_RECIPES

SERVE = """\
mockfoundry serve --tls --tls-authority authority.pem &
export MOCKFOUNDRY_URL=https://localhost:8080 AUTHORITY="$PWD/authority.pem" SSL_CERT_FILE="$PWD/authority.pem"
mockfoundry wait
"""

CLIENTS: dict[str, str] = {
    "Python": '''\
import httpx
import pytest
from mockfoundry import Server


@pytest.fixture(scope="module")
def server():
    with Server(tls=True) as started:
        yield started


def ask(server):
    """Stands for your client."""
    headers = {"Authorization": "bearer admin"}
    return httpx.get(f"{server.url}/v3/processes", headers=headers, verify=server.ssl_context(), timeout=2.0)
''',
    "Go": """\
package yours_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// ask stands for your client.
func ask(t *testing.T) (int, error) {
	t.Helper()
	authority, err := os.ReadFile(os.Getenv("AUTHORITY"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}
	request, err := http.NewRequest("GET", os.Getenv("MOCKFOUNDRY_URL")+"/v3/processes", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "bearer admin")
	response, err := (&http.Client{Transport: transport, Timeout: 2 * time.Second}).Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.ReadAll(response.Body)
	return response.StatusCode, err
}

func command(t *testing.T, words ...string) {
	t.Helper()
	if printed, err := exec.Command("mockfoundry", words...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
}

func expectError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Fatalf("%v, not %s", err, text)
	}
}

func expectServed(t *testing.T) {
	t.Helper()
	if status, err := ask(t); err != nil || status != 200 {
		t.Fatal(status, err)
	}
}
""",
    "Java": """\
package com.example.yours;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;

class TlsRecipesTest {
  private static SSLContext trusting(String file) throws Exception {
    var store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (var stream = Files.newInputStream(Path.of(file))) {
      store.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(stream));
    }
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    var context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  /** Stands for your client. */
  private static int ask() throws Exception {
    var context = trusting(System.getenv("AUTHORITY"));
    var client = HttpClient.newBuilder().sslContext(context).version(HttpClient.Version.HTTP_1_1).build();
    var request =
        HttpRequest.newBuilder(URI.create(System.getenv("MOCKFOUNDRY_URL") + "/v3/processes"))
            .timeout(Duration.ofSeconds(5))
            .header("Authorization", "bearer admin")
            .build();
    return client.send(request, BodyHandlers.ofString()).statusCode();
  }

  private static void command(String... words) throws Exception {
    assertEquals(0, new ProcessBuilder(words).inheritIO().start().waitFor());
  }

  private static void expectError(String text) {
    var error = assertThrows(IOException.class, () -> ask());
    assertTrue(error.toString().contains(text), error.toString());
  }
""",
    "bash": r"""set -eu

# Stands for your client. Prints its exit code.
ask() {
  code=0
  curl --silent --max-time 2 --cacert "$AUTHORITY" --header 'Authorization: bearer admin' --output /dev/null \
    "$MOCKFOUNDRY_URL/v3/processes" || code=$?
  printf %s "$code"
}
""",
}
"""By language, what the tests share."""


def render_python(name: str) -> str:
    return f'''\
def test_{name.replace("-", "_")}(server):
    foundation = server.foundation("default")
    foundation.play("{name}")
    with pytest.raises(httpx.TransportError, match="{last_words("httpx", name)}"):
        ask(server)
    foundation.stop("{name}")
    assert ask(server).status_code == 200
'''


def name_go_test(name: str) -> str:
    return "Test" + "".join(word.capitalize() for word in name.split("-"))


def render_go(name: str) -> str:
    return f"""\
func {name_go_test(name)}(t *testing.T) {{
	command(t, "play", "{name}")
	_, err := ask(t)
	expectError(t, err, {json.dumps(last_words("go", name))})
	command(t, "stop", "{name}")
	expectServed(t)
}}
"""


def name_java_test(name: str) -> str:
    first, *others = name.split("-")
    return first + "".join(word.capitalize() for word in others)


def render_java(name: str) -> str:
    return f"""\
@Test
void {name_java_test(name)}() throws Exception {{
  command("mockfoundry", "play", "{name}");
  expectError({json.dumps(last_words("java", name))});
  command("mockfoundry", "stop", "{name}");
  assertEquals(200, ask());
}}
"""


def render_shell(name: str) -> str:
    code, meaning = TLS_RECIPES[name]
    return f"""\
mockfoundry play {name}
test "$(ask)" = {code} # {meaning}
mockfoundry stop {name}
test "$(ask)" = 0
"""


RENDER: dict[str, Callable[[str], str]] = {
    "Python": render_python,
    "Go": render_go,
    "Java": render_java,
    "bash": render_shell,
}
"""By language, the test of a scenario."""
