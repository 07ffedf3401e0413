// Testcontainers for Java, with JUnit 5: org.testcontainers:junit-jupiter. MOCK_IMAGE is the image that you have built.

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.junit.jupiter.Container;
import org.testcontainers.junit.jupiter.Testcontainers;
import org.testcontainers.utility.DockerImageName;

@Testcontainers
class WithTestcontainersTest {
    @Container
    static final GenericContainer<?> MOCK =
            new GenericContainer<>(DockerImageName.parse(System.getenv().getOrDefault("MOCK_IMAGE", "mockfoundry")))
                    .withExposedPorts(8080)
                    .waitingFor(Wait.forHttp("/__mock/health"));

    @Test
    void theWorldAnswers() throws Exception {
        URI uri = URI.create("http://" + MOCK.getHost() + ":" + MOCK.getMappedPort(8080) + "/v3/processes");
        HttpRequest request = HttpRequest.newBuilder(uri).header("Authorization", "bearer admin").build();

        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());

        assertEquals(200, answer.statusCode());
    }
}
