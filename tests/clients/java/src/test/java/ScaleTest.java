import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.URI;
import java.time.Duration;
import mockfoundry.MockfoundryExtension;
import mockfoundry.MockfoundryExtension.Foundation;
import mockfoundry.MockfoundryExtension.Server;
import org.cloudfoundry.client.CloudFoundryClient;
import org.cloudfoundry.client.v3.ClientV3Exception;
import org.cloudfoundry.client.v3.applications.ListApplicationsRequest;
import org.cloudfoundry.client.v3.processes.ScaleProcessRequest;
import org.cloudfoundry.reactor.DefaultConnectionContext;
import org.cloudfoundry.reactor.client.ReactorCloudFoundryClient;
import org.cloudfoundry.reactor.tokenprovider.PasswordGrantTokenProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(MockfoundryExtension.class)
class ScaleTest {

    private static CloudFoundryClient clientOf(String who) {
        int port = URI.create(Server.shared().url()).getPort();
        // [point]
        var connection = DefaultConnectionContext.builder().apiHost("127.0.0.1").port(port).secure(false).build();
        var user = PasswordGrantTokenProvider.builder().username(who).password("any password").build();
        return ReactorCloudFoundryClient.builder().connectionContext(connection).tokenProvider(user).build();
        // [end]
    }

    // [test]
    @Test
    void aConflictReachesTheCaller(Foundation foundation) {
        foundation.play("conflict-then-ok");
        CloudFoundryClient cf = clientOf("admin@" + foundation.name());
        String web = foundation.process("dora", "web").guid();
        var three = ScaleProcessRequest.builder().processId(web).instances(3).build();
        assertThrows(ClientV3Exception.class, () -> cf.processes().scale(three).block(Duration.ofMinutes(1)));
        assertEquals(3, cf.processes().scale(three).block(Duration.ofMinutes(1)).getInstances());
    }
    // [end]

    @Test
    void anotherFoundationIsOneOfItsOwn(Foundation foundation) {
        var apps = clientOf("admin@" + foundation.name()).applicationsV3()
                .list(ListApplicationsRequest.builder().build()).block(Duration.ofMinutes(1));
        assertEquals("dora", apps.getResources().get(0).getName());
    }
}
