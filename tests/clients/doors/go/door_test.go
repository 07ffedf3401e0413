// What the door for Go says when something is wrong, and that it leaves nothing behind.
package yours_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/yours/internal/mockfoundry"
)

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	said     []string
	failed   bool
	cleanups []func()
}

func (r *recorder) Helper()                   {}
func (r *recorder) Failed() bool              { return r.failed }
func (r *recorder) Cleanup(end func())        { r.cleanups = append(r.cleanups, end) }
func (r *recorder) Logf(f string, a ...any)   { r.said = append(r.said, fmt.Sprintf(f, a...)) }
func (r *recorder) Errorf(f string, a ...any) { r.failed = true; r.Logf(f, a...) }
func (r *recorder) Fatalf(f string, a ...any) { r.Errorf(f, a...); runtime.Goexit() }
func (r *recorder) Fatal(a ...any)            { r.Fatalf("%s", fmt.Sprint(a...)) }

// record runs a test to its end, and gives what it said.
func record(test func(t testing.TB)) (failed bool, said string) {
	r, over := &recorder{}, make(chan struct{})
	go func() {
		defer close(over)
		defer func() {
			for last := len(r.cleanups) - 1; last >= 0; last-- {
				r.cleanups[last]()
			}
		}()
		test(r)
	}()
	<-over
	return r.failed, strings.Join(r.said, "\n")
}

// mustFail fails unless a test fails, and says everything that is wanted.
func mustFail(t *testing.T, test func(t testing.TB), wanted ...string) {
	t.Helper()
	failed, said := record(test)
	if !failed {
		t.Error("it has not failed")
	}
	for _, each := range wanted {
		if !strings.Contains(said, each) {
			t.Errorf("%q is not in what was said:\n%s", each, said)
		}
	}
}

func TestAVerificationThatFailsShowsTheNearestRequest(t *testing.T) {
	went := false
	mustFail(t, func(t testing.TB) {
		foundation := mockfoundry.New(t)
		_ = newScaler(foundation, "alice").Scale(foundation.Process("dora", "web").GUID, 2)
		foundation.Verify("scaleProcess", mockfoundry.Status(409))
		went = true
	}, "expected scaleProcess answered 409", "#1 ", `scaleProcess dora/web as alice {"instances":2} → 202`)
	if !went {
		t.Error("the test did not go on")
	}
}

func TestARetryThatComesTooEarlyIsShown(t *testing.T) {
	mustFail(t, func(t testing.TB) {
		foundation := mockfoundry.New(t)
		foundation.Play("unavailable-then-ok")
		hasty := newScaler(foundation, "admin")
		hasty.sleep = func(time.Duration) {}
		_ = hasty.Scale(foundation.Process("dora", "web").GUID, 2)
		if audit := foundation.Retries(); audit.Repeats != 2 || audit.Dishonoured != 2 || audit.Twice != 0 {
			t.Errorf("the audit is %+v", audit)
		}
		foundation.Retries(mockfoundry.HonoursRetryAfter())
	}, "Retry-After", "scaleProcess")
}

func TestWhatTheServerRefusesEndsTheTestWithItsMend(t *testing.T) {
	mustFail(t, func(t testing.TB) { mockfoundry.New(t).Play("confict") }, "did you mean conflict?")
	mustFail(t, func(t testing.TB) { mockfoundry.New(t).Token("alise") }, "did you mean alice?")
	mustFail(t, func(t testing.TB) { mockfoundry.New(t).PlayText("rules: []") }, "has no `scenario: NAME`")
	mustFail(t, func(t testing.TB) { mockfoundry.New(t).Process("dora", "wep") }, "dora web", "dora worker")
	mustFail(t, func(t testing.TB) { mockfoundry.NewFrom(t, "organization: []") }, "did you mean organizations?")
	mustFail(t, func(t testing.TB) { mockfoundry.New(t).Check("", mockfoundry.With("timse", 1)) }, "timse")
}

func TestAServerThatDoesNotStartSaysWhy(t *testing.T) {
	mustFail(t, func(t testing.TB) { mockfoundry.Start(t, "--seed", "none.yaml") }, "did not start", "none.yaml: can't be read")
	t.Setenv("MOCKFOUNDRY_COMMAND", "no-such-command")
	mustFail(t, func(t testing.TB) { mockfoundry.Start(t) }, "no-such-command", "name the command by MOCKFOUNDRY_COMMAND")
}

func TestAFoundationIsGoneWithItsTestAndAServerToo(t *testing.T) {
	var foundation *mockfoundry.Foundation
	var server *mockfoundry.Server
	failed, said := record(func(t testing.TB) {
		foundation = mockfoundry.New(t)
		server = mockfoundry.Start(t, "--strict")
		server.New(t)
	})
	if failed || said != "" {
		t.Fatalf("it said %q", said)
	}
	if response, err := http.Get(foundation.URL + "/v3/processes"); err != nil || response.StatusCode != 404 {
		t.Errorf("the foundation answers %v, %v", response, err)
	}
	if _, err := http.Get(server.URL); err == nil {
		t.Error("the server answers")
	}
}

func TestAControlTokenIsSent(t *testing.T) {
	server := mockfoundry.Start(t, "--control-token", "s3cr3t")
	mustFail(t, func(t testing.TB) { server.New(t) }, "X-Mock-Control-Token")
	server.ControlToken = "s3cr3t"
	server.New(t).Play("conflict")
}

func TestAFoundationsURLIsTakenForItsServers(t *testing.T) {
	foundation := mockfoundry.New(t)
	t.Log("the shared server is", mockfoundry.Connect(foundation.URL+"/").URL)
	mockfoundry.Connect(foundation.URL).New(t).Play("conflict")
}

func TestEverythingElseThatAFoundationDoes(t *testing.T) {
	foundation := mockfoundry.New(t)
	before := foundation.Clock.Freeze()
	if got := foundation.Clock.Advance(1500 * time.Millisecond).Sub(before); got != 1500*time.Millisecond {
		t.Errorf("the clock went on by %v", got)
	}
	moment := time.Date(2040, 1, 2, 3, 4, 5, 6000, time.UTC)
	if got := foundation.Clock.Set(moment); !got.Equal(moment) || !foundation.Clock.Now().Equal(moment) {
		t.Errorf("the clock says %v", got)
	}
	foundation.Clock.Rate(10)
	foundation.Clock.Run()

	foundation.PlayText(`{"scenario": "own", "rules": [{"operation": "listProcesses", "respond": {"status": 503}}]}`)
	foundation.Play("conflict")
	foundation.Stop("own")
	foundation.StopAll()
	if foundation.Check("", mockfoundry.Times(0)).Result != "holds" {
		t.Error("there were requests")
	}
	if released := foundation.Release("nothing"); released != 0 {
		t.Errorf("%d requests were held", released)
	}
	foundation.Change(mockfoundry.Object{"feature_flags": mockfoundry.Object{"app_scaling": false}})
	if flags := foundation.State()["feature_flags"].(mockfoundry.Object); flags["app_scaling"] != false {
		t.Errorf("the flags are %v", flags)
	}
	foundation.Reset()
	if flags := foundation.State()["feature_flags"].(mockfoundry.Object); flags["app_scaling"] != true {
		t.Errorf("the flags are %v", flags)
	}
}
