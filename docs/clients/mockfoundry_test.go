// How a Go project tests with mockfoundry. Scaler stands for your own client; the rest are tests to copy.
package yours_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/yours/internal/mockfoundry"
)

// Scaler changes how many instances a process has. It repeats a request that met a conflict or a server away.
type Scaler struct {
	url, token string
	sleep      func(time.Duration)
}

func (s Scaler) Scale(process string, instances int) error {
	for attempt := 1; ; attempt++ {
		body := strings.NewReader(fmt.Sprintf(`{"instances": %d}`, instances))
		request, err := http.NewRequest("POST", s.url+"/v3/processes/"+process+"/actions/scale", body)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "bearer "+s.token)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode == 202 {
			return nil
		}
		if attempt == 3 || response.StatusCode != 409 && response.StatusCode != 503 {
			return fmt.Errorf("scale: %s", response.Status)
		}
		// What Retry-After asks for; a second where there is none.
		wait, err := time.ParseDuration(response.Header.Get("Retry-After") + "s")
		if err != nil {
			wait = time.Second
		}
		s.sleep(wait)
	}
}

// newScaler makes a client that sleeps on the foundation's clock: a wait of minutes takes no time.
func newScaler(foundation *mockfoundry.Foundation, user string) Scaler {
	foundation.Clock.Freeze()
	sleep := func(wait time.Duration) { foundation.Clock.Advance(wait) }
	return Scaler{foundation.URL, foundation.Token(user), sleep}
}

func TestAConflictIsOvercome(t *testing.T) {
	t.Parallel()
	foundation := mockfoundry.New(t)
	foundation.Play("conflict-then-ok")

	if err := newScaler(foundation, "alice").Scale(foundation.Process("dora", "web").GUID, 5); err != nil {
		t.Fatal(err)
	}

	foundation.Verify("scaleProcess", mockfoundry.Times(2))
	foundation.Verify("scaleProcess", mockfoundry.Status(202), mockfoundry.Times(1))
	if got := foundation.Process("dora", "web").Instances; got != 5 {
		t.Errorf("%d instances, not 5", got)
	}
}

func TestAServerThatIsAwayIsAskedAgainWhenItSays(t *testing.T) {
	t.Parallel()
	foundation := mockfoundry.New(t)
	foundation.Play("unavailable-then-ok")

	if err := newScaler(foundation, "admin").Scale(foundation.Process("dora", "web").GUID, 5); err != nil {
		t.Fatal(err)
	}

	foundation.Retries(mockfoundry.MaxRepeats(2), mockfoundry.HonoursRetryAfter(), mockfoundry.NeverTwice())
}

func TestWhoMayOnlyReadScalesNothing(t *testing.T) {
	t.Parallel()
	foundation := mockfoundry.New(t)

	err := newScaler(foundation, "otto").Scale(foundation.Process("dora", "web").GUID, 5)

	if err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("otto, an auditor, got %v", err)
	}
	foundation.Verify("scaleProcess", mockfoundry.Actor("otto"), mockfoundry.Kept(false), mockfoundry.Times(1))
}

func TestAnExpiredTokenIsNotRepeated(t *testing.T) {
	t.Parallel()
	foundation := mockfoundry.New(t)
	scaler := newScaler(foundation, "alice")
	scaler.token = foundation.TokenFor("alice", 10*time.Minute)
	foundation.Clock.Advance(11 * time.Minute)

	if err := scaler.Scale(foundation.Process("dora", "web").GUID, 5); err == nil {
		t.Error("an expired token scaled a process")
	}

	foundation.Verify("scaleProcess", mockfoundry.Status(401), mockfoundry.Times(1))
}

func TestAQuotaIsTheEnd(t *testing.T) {
	t.Parallel()
	foundation := mockfoundry.NewFrom(t, `
organizations:
  - name: acme
    quota: {total_instances: 3}
    spaces: [{name: dev, apps: [{name: dora, processes: [{type: web, instances: 1}]}]}]
`)

	if err := newScaler(foundation, "admin").Scale(foundation.Process("dora", "web").GUID, 5); err == nil {
		t.Error("a quota was exceeded")
	}

	foundation.Change("organizations: [{name: acme, quota: {total_instances: 10}}]")
	if err := newScaler(foundation, "admin").Scale(foundation.Process("dora", "web").GUID, 5); err != nil {
		t.Error(err)
	}
}

func TestTheOlderOfTwoDecisionsWins(t *testing.T) {
	t.Parallel()
	foundation := mockfoundry.New(t)
	foundation.Play("held-scale")
	process := foundation.Process("dora", "web").GUID
	first, second := newScaler(foundation, "alice"), newScaler(foundation, "alice")

	done := make(chan error)
	go func() { done <- first.Scale(process, 3) }()
	foundation.Verify("scaleProcess", mockfoundry.Waiting(), mockfoundry.Within(5*time.Second)) // it has come, and is held
	if err := second.Scale(process, 5); err != nil {
		t.Error(err)
	}
	foundation.Release("first-scale")

	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := foundation.Process("dora", "web").Instances; got != 3 {
		t.Errorf("%d instances, not 3", got)
	}
}
