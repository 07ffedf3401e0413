import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.cloudfoundry.client.CloudFoundryClient;
import org.cloudfoundry.client.v3.Relationship;
import org.cloudfoundry.client.v3.ToOneRelationship;
import org.cloudfoundry.client.v3.applications.ApplicationResource;
import org.cloudfoundry.client.v3.applications.ListApplicationProcessesRequest;
import org.cloudfoundry.client.v3.applications.ListApplicationsRequest;
import org.cloudfoundry.client.v3.applications.RestartApplicationRequest;
import org.cloudfoundry.client.v3.applications.StartApplicationRequest;
import org.cloudfoundry.client.v3.applications.StopApplicationRequest;
import org.cloudfoundry.client.v3.auditevents.AuditEventResource;
import org.cloudfoundry.client.v3.auditevents.ListAuditEventsRequest;
import org.cloudfoundry.client.v3.deployments.CreateDeploymentRequest;
import org.cloudfoundry.client.v3.deployments.DeploymentRelationships;
import org.cloudfoundry.client.v3.deployments.DeploymentResource;
import org.cloudfoundry.client.v3.deployments.ListDeploymentsRequest;
import org.cloudfoundry.client.v3.processes.GetProcessStatisticsRequest;
import org.cloudfoundry.client.v3.processes.HealthCheck;
import org.cloudfoundry.client.v3.processes.HealthCheckType;
import org.cloudfoundry.client.v3.processes.ProcessResource;
import org.cloudfoundry.client.v3.processes.ProcessStatisticsResource;
import org.cloudfoundry.client.v3.processes.ScaleProcessRequest;
import org.cloudfoundry.client.v3.processes.TerminateProcessInstanceRequest;
import org.cloudfoundry.client.v3.processes.UpdateProcessRequest;
import org.cloudfoundry.reactor.ConnectionContext;
import org.cloudfoundry.reactor.DefaultConnectionContext;
import org.cloudfoundry.reactor.RootProvider;
import org.cloudfoundry.reactor.client.ReactorCloudFoundryClient;
import org.cloudfoundry.reactor.tokenprovider.PasswordGrantTokenProvider;
import org.cloudfoundry.util.PaginationUtils;
import reactor.core.publisher.Mono;

/** Drives cf-java-client by lines of JSON: a call a line on standard input, what came of it on standard output. */
public final class Flows {

    /** How long a user waits; the client itself has no limit. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final ObjectMapper JSON = new ObjectMapper();

    private DefaultConnectionContext connection;
    private CloudFoundryClient cf;

    public static void main(String[] arguments) throws Exception {
        Flows flows = new Flows();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Map<String, Object> answer;
            try {
                Object value = flows.run(JSON.readTree(line));
                answer = Collections.singletonMap("value", value);
            } catch (RuntimeException failure) {
                answer = Collections.singletonMap("failure", words(failure));
            }
            System.out.println(JSON.writeValueAsString(answer));
        }
        System.exit(0);
    }

    /** What the user sees: the exception that the client threw, without what Reactor wraps around it. */
    private static String words(Throwable failure) {
        Throwable shown = reactor.core.Exceptions.unwrap(failure);
        return shown.getClass().getSimpleName() + ": " + shown.getMessage();
    }

    private Object run(JsonNode asked) {
        String app = asked.path("app").asText();
        switch (asked.get("call").asText()) {
            case "log_in":
                logIn(asked.get("url").asText(), asked.get("user").asText(), asked.get("password").asText());
                return null;
            case "apps":
                List<String> names = new ArrayList<>();
                apps(ListApplicationsRequest.builder()).forEach(each -> names.add(each.getName()));
                return names;
            case "processes":
                List<List<Object>> processes = new ArrayList<>();
                processesOf(app).forEach(each -> processes.add(List.of(each.getType(), each.getInstances())));
                return processes;
            case "states":
                List<String> states = new ArrayList<>();
                cf.processes().getStatistics(GetProcessStatisticsRequest.builder().processId(webOf(app)).build())
                        .block(PATIENCE).getResources().forEach(each -> states.add(state(each)));
                return states;
            case "scale":
                ScaleProcessRequest.Builder scale = ScaleProcessRequest.builder().processId(webOf(app));
                if (asked.has("instances")) {
                    scale.instances(asked.get("instances").asInt());
                }
                if (asked.has("memory_in_mb")) {
                    scale.memoryInMb(asked.get("memory_in_mb").asInt());
                }
                cf.processes().scale(scale.build()).block(PATIENCE);
                return null;
            case "terminate":
                cf.processes().terminateInstance(TerminateProcessInstanceRequest.builder()
                        .processId(webOf(app)).index(asked.get("index").asText()).build()).block(PATIENCE);
                return null;
            case "check_health_by":
                HealthCheckType type = HealthCheckType.from(asked.get("health_check").asText());
                cf.processes().update(UpdateProcessRequest.builder().processId(webOf(app))
                        .healthCheck(HealthCheck.builder().type(type).build()).build()).block(PATIENCE);
                return null;
            case "stop":
                cf.applicationsV3().stop(StopApplicationRequest.builder().applicationId(guidOf(app)).build())
                        .block(PATIENCE);
                return null;
            case "start":
                cf.applicationsV3().start(StartApplicationRequest.builder().applicationId(guidOf(app)).build())
                        .block(PATIENCE);
                return null;
            case "restart":
                cf.applicationsV3().restart(RestartApplicationRequest.builder().applicationId(guidOf(app)).build())
                        .block(PATIENCE);
                return null;
            case "deploy":
                // This client knows no other strategy than rolling, which is what a request without one asks for.
                ToOneRelationship of = ToOneRelationship.builder()
                        .data(Relationship.builder().id(guidOf(app)).build()).build();
                cf.deploymentsV3().create(CreateDeploymentRequest.builder()
                        .relationships(DeploymentRelationships.builder().app(of).build()).build()).block(PATIENCE);
                return null;
            case "deployment":
                DeploymentResource newest = cf.deploymentsV3().list(ListDeploymentsRequest.builder()
                        .applicationId(guidOf(app)).orderBy("-created_at").perPage(1).page(1).build())
                        .block(PATIENCE).getResources().get(0);
                return newest.getStatus().getValue() + " " + newest.getStatus().getReason();
            case "events":
                List<String> events = new ArrayList<>();
                String target = guidOf(app);
                PaginationUtils.requestClientV3Resources(page -> cf.auditEventsV3().list(ListAuditEventsRequest.builder()
                        .targetId(target).orderBy("-created_at").page(page).build()))
                        .cast(AuditEventResource.class).toIterable().forEach(each -> events.add(each.getType()));
                return events;
            default:
                throw new IllegalArgumentException("this client has no such call: " + asked.get("call").asText());
        }
    }

    /** At an address with a path, which `apiHost` does not take, a root provider of one's own says where all is. */
    private void logIn(String url, String user, String password) {
        if (connection != null) {
            connection.dispose();
        }
        URI address = URI.create(url);
        DefaultConnectionContext.Builder context = DefaultConnectionContext.builder()
                .apiHost(address.getHost()).port(address.getPort()).secure(false);
        if (!address.getPath().isEmpty()) {
            context.rootProvider(new RootAt(url));
        }
        connection = context.build();
        cf = ReactorCloudFoundryClient.builder().connectionContext(connection)
                .tokenProvider(PasswordGrantTokenProvider.builder().username(user).password(password).build()).build();
        // Nothing is sent before the first call.
        apps(ListApplicationsRequest.builder().perPage(1));
    }

    private List<ApplicationResource> apps(ListApplicationsRequest.Builder request) {
        return PaginationUtils.requestClientV3Resources(page -> cf.applicationsV3().list(request.page(page).build()))
                .cast(ApplicationResource.class).collectList().block(PATIENCE);
    }

    private String guidOf(String app) {
        List<ApplicationResource> found = apps(ListApplicationsRequest.builder().name(app));
        if (found.isEmpty()) {
            throw new IllegalStateException("there is no app " + app);
        }
        return found.get(0).getId();
    }

    private List<ProcessResource> processesOf(String app) {
        String guid = guidOf(app);
        return PaginationUtils.requestClientV3Resources(page -> cf.applicationsV3().listProcesses(
                ListApplicationProcessesRequest.builder().applicationId(guid).page(page).build()))
                .cast(ProcessResource.class).collectList().block(PATIENCE);
    }

    private String webOf(String app) {
        String web = null;
        for (ProcessResource each : processesOf(app)) {
            web = each.getType().equals("web") ? each.getId() : web;
        }
        return web;
    }

    private static String state(ProcessStatisticsResource instance) {
        return instance.getState().getValue();
    }

    // [root]
    private static final class RootAt implements RootProvider {

        private final String url;

        private RootAt(String url) {
            this.url = url;
        }

        @Override
        public Mono<String> getRoot(ConnectionContext context) {
            return Mono.just(url);
        }

        @Override
        public Mono<String> getRoot(String key, ConnectionContext context) {
            return Mono.just(key.equals("cloud_controller_v3") ? url + "/v3" : url);
        }
    }
    // [end]
}
