// Package mockfoundry gives each Go test a Cloud Foundry of its own, which breaks when the test says so.
//
// Copy this file to internal/mockfoundry/mockfoundry.go. It needs Go 1.19 and the standard library, nothing else. The
// server is the command mockfoundry (make wheel in a clone of it, and pip install the file), or one that is running already:
//
//	func TestScaleOvercomesAConflict(t *testing.T) {
//		foundation := mockfoundry.New(t)
//		foundation.Play("conflict-then-ok")
//		client := NewClient(foundation.URL, foundation.Token("alice")) // what you test
//		if err := client.Scale("dora", 5); err != nil {
//			t.Fatal(err)
//		}
//		foundation.Verify("scaleProcess", mockfoundry.Times(2))
//		if got := foundation.Process("dora", "web").Instances; got != 5 {
//			t.Errorf("%d instances, not 5", got)
//		}
//	}
//
// New starts one server for all tests of a package, on a free port; it ends with the test's process. Three variables
// change that:
//
//	MOCKFOUNDRY_URL            use the server that is running there, such as a CI service container
//	MOCKFOUNDRY_CONTROL_TOKEN  its --control-token, if it has one
//	MOCKFOUNDRY_COMMAND        what starts a server in place of "mockfoundry", such as "python3 -m mockfoundry"
//
// Tests may run in parallel. A method that can't do its work ends its test, so call methods where t.Fatal may be called:
// in the test's own goroutine.
package mockfoundry

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	startTimeout = 60 * time.Second
	callTimeout  = 100 * time.Second // longer than any Verify may wait
	reportedRows = 30                // how many requests a test that failed is shown
)

// Object is a JSON object, for what is asked in the API's own words.
type Object = map[string]any

// New makes a foundation for one test, from the server's seed. It is deleted when the test ends. If the test has
// failed, the log shows what its clients did.
func New(t testing.TB) *Foundation {
	t.Helper()
	return sharedServer(t).New(t)
}

// NewFrom is New with a seed of its own: the text of a seed file, YAML or JSON.
func NewFrom(t testing.TB, seed string) *Foundation {
	t.Helper()
	return sharedServer(t).NewFrom(t, seed)
}

// Server is a running mockfoundry.
type Server struct {
	URL          string // without a slash at the end
	ControlToken string // empty if it has none

	connected bool // it was started elsewhere, perhaps with scenarios
}

var shared struct {
	once   sync.Once
	server *Server
	end    func() // never called; a pipe that nothing holds is closed when memory is collected, and the server ends
	err    error
}

func sharedServer(t testing.TB) *Server {
	t.Helper()
	shared.once.Do(func() {
		if running := os.Getenv("MOCKFOUNDRY_URL"); running != "" {
			shared.server = Connect(running)
			return
		}
		// Nobody ends it: its standard input does, when this process is gone.
		shared.server, shared.end, shared.err = start(nil)
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// Connect names a server that is running. The URL may be one of its foundations, as `mockfoundry login` exports it.
func Connect(serverURL string) *Server {
	serverURL = strings.TrimRight(serverURL, "/")
	if at := strings.LastIndex(serverURL, "/foundations/"); at >= 0 {
		serverURL = serverURL[:at]
	}
	return &Server{URL: serverURL, ControlToken: os.Getenv("MOCKFOUNDRY_CONTROL_TOKEN"), connected: true}
}

// Start starts a server for one test, with options of `mockfoundry serve`: Start(t, "--strict"). It ends with the test.
// Most tests need no server of their own: New is faster.
func Start(t testing.TB, options ...string) *Server {
	t.Helper()
	server, end, err := start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	return server
}

// start starts a server, and gives the function that ends it.
func start(options []string) (*Server, func(), error) {
	words := strings.Fields(os.Getenv("MOCKFOUNDRY_COMMAND"))
	if len(words) == 0 {
		words = []string{"mockfoundry"}
	}
	words = append(words, "serve", "--host", "127.0.0.1", "--port", "0", "--until-stdin-ends")
	command := exec.Command(words[0], append(words[1:], options...)...)
	// A token of the environment is that of another server.
	command.Env = append(os.Environ(), "MOCKFOUNDRY_CONTROL_TOKEN=")
	var said bytes.Buffer
	command.Stderr = &said
	lifeline, err := command.StdinPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("mockfoundry: %w", err)
	}
	printed, err := command.StdoutPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("mockfoundry: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, nil, fmt.Errorf("mockfoundry: %w; install it, name the command by MOCKFOUNDRY_COMMAND, or a running server by MOCKFOUNDRY_URL", err)
	}
	late := time.AfterFunc(startTimeout, func() { _ = command.Process.Kill() })
	lines := bufio.NewReader(printed)
	found := ""
	for found == "" {
		line, err := lines.ReadString('\n')
		if match := startLine.FindStringSubmatch(line); match != nil {
			found = match[1]
		} else if err != nil {
			late.Stop()
			_ = command.Wait()
			return nil, nil, fmt.Errorf("mockfoundry: the server did not start: %s", strings.TrimSpace(said.String()))
		}
	}
	late.Stop()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, lines)
	}()
	end := func() {
		_ = lifeline.Close()
		late := time.AfterFunc(startTimeout, func() { _ = command.Process.Kill() })
		defer late.Stop()
		<-drained
		_ = command.Wait()
	}
	return &Server{URL: found}, end, nil
}

var startLine = regexp.MustCompile(`^\s*URL\s+(http://\S+)`)

// New makes a foundation for one test on this server. On one that was started elsewhere it begins without the scenarios
// that the server was started with.
func (s *Server) New(t testing.TB) *Foundation {
	t.Helper()
	return s.NewFrom(t, "")
}

// NewFrom is New with a seed of its own: the text of a seed file, YAML or JSON.
func (s *Server) NewFrom(t testing.TB, seed string) *Foundation {
	t.Helper()
	random := make([]byte, 10)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	name := "go-" + hex.EncodeToString(random)
	f := &Foundation{Name: name, URL: s.URL + "/foundations/" + name, server: s, t: t}
	f.Clock = Clock{f}
	begin := ""
	if s.connected {
		begin = "?scenarios=none"
	}
	f.Call(http.MethodPut, begin, YAML(seed), nil)
	t.Cleanup(f.end)
	return f
}

// Foundation is one Cloud Foundry, with its own world, clock, scenarios and journal.
type Foundation struct {
	Name  string
	URL   string // the API's address, for the client that is tested
	Clock Clock

	server *Server
	t      testing.TB
}

// Token is a bearer token of a user of the seed, or of "admin". It leads a client to this foundation by itself, even if
// the client uses the server's URL.
func (f *Foundation) Token(user string) string {
	f.t.Helper()
	return f.mint(Object{"user": user})
}

// TokenFor is Token with a lifetime on the foundation's clock.
func (f *Foundation) TokenFor(user string, lifetime time.Duration) string {
	f.t.Helper()
	return f.mint(Object{"user": user, "expires_in": seconds(lifetime)})
}

func (f *Foundation) mint(body Object) string {
	f.t.Helper()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	f.Call(http.MethodPost, "/tokens", body, &answer)
	return answer.AccessToken
}

// Play switches a scenario of the library on (`mockfoundry scenarios` lists it). One that is on begins again.
func (f *Foundation) Play(scenario string) {
	f.t.Helper()
	f.Call(http.MethodPut, "/scenarios/"+url.PathEscape(scenario), nil, nil)
}

// PlayText switches on the scenario that a text is, YAML or JSON.
func (f *Foundation) PlayText(scenario string) {
	f.t.Helper()
	name := scenarioName.FindStringSubmatch(scenario)
	if name == nil {
		f.t.Fatal("mockfoundry: the text has no `scenario: NAME`; give it one")
	}
	f.Call(http.MethodPut, "/scenarios/"+url.PathEscape(name[1]), YAML(scenario), nil)
}

var scenarioName = regexp.MustCompile(`(?m)(?:^|[{,])[ \t]*["']?scenario["']?[ \t]*:[ \t]*["']?([A-Za-z0-9_.-]+)`)

// Stop switches a scenario off; what it changed in the world is undone.
func (f *Foundation) Stop(scenario string) {
	f.t.Helper()
	f.Call(http.MethodDelete, "/scenarios/"+url.PathEscape(scenario), nil, nil)
}

// StopAll switches every scenario off.
func (f *Foundation) StopAll() {
	f.t.Helper()
	f.Call(http.MethodDelete, "/scenarios", nil, nil)
}

// Release lets the requests go on that a scenario holds under a name, and says how many there were.
func (f *Foundation) Release(hold string) int {
	f.t.Helper()
	var answer struct {
		Released int `json:"released"`
	}
	f.Call(http.MethodPost, "/holds/"+url.PathEscape(hold)+"/release", nil, &answer)
	return answer.Released
}

// Reset sets everything back to how it began: world, clock, scenarios, counters and journal.
func (f *Foundation) Reset() {
	f.t.Helper()
	f.Call(http.MethodPost, "/reset", nil, nil)
}

// State is the world, with the keys of a seed file.
func (f *Foundation) State() Object {
	f.t.Helper()
	var state Object
	f.Call(http.MethodGet, "/state", nil, &state)
	return state
}

// Change changes the world: what is found by its name is changed, what is not named stays. The patch has a seed file's
// keys, as YAML text or as a value: Change("feature_flags: {app_scaling: false}").
func (f *Foundation) Change(patch any) {
	f.t.Helper()
	if text, ok := patch.(string); ok {
		patch = YAML(text)
	}
	f.Call(http.MethodPatch, "/state", patch, nil)
}

// Process is a process as it is now.
type Process struct {
	GUID       string `json:"guid"`
	Type       string `json:"type"`
	Instances  int    `json:"instances"`
	MemoryInMB int    `json:"memory_in_mb"`
	DiskInMB   int    `json:"disk_in_mb"`
	Command    string `json:"command"`
	AppGUID    string `json:"-"`
	AppState   string `json:"-"`
}

// Process is the process of a type in an app, by their names. If several spaces have such an app, it is the first one.
func (f *Foundation) Process(app, kind string) Process {
	f.t.Helper()
	var state struct {
		Organizations []struct {
			Spaces []struct {
				Apps []struct {
					Name      string
					GUID      string
					State     string
					Processes []Process
				}
			}
		}
	}
	f.Call(http.MethodGet, "/state", nil, &state)
	var there []string
	for _, organization := range state.Organizations {
		for _, space := range organization.Spaces {
			for _, each := range space.Apps {
				for _, process := range each.Processes {
					if each.Name == app && process.Type == kind {
						process.AppGUID, process.AppState = each.GUID, each.State
						return process
					}
					there = append(there, each.Name+" "+process.Type)
				}
			}
		}
	}
	f.t.Fatalf("mockfoundry: there is no process %s %s; there are: %s", app, kind, strings.Join(there, ", "))
	return Process{}
}

// Expectation narrows down which requests Check and Verify count, or says how many there must be.
type Expectation func(Object)

// Times wants exactly so many requests. Without Times, AtLeast and AtMost there must be at least one.
func Times(n int) Expectation { return With("times", n) }

// AtLeast wants so many requests or more.
func AtLeast(n int) Expectation { return With("at_least", n) }

// AtMost wants so many requests or fewer.
func AtMost(n int) Expectation { return With("at_most", n) }

// Status counts only requests that were answered with one of these statuses.
func Status(statuses ...int) Expectation { return With("status", statuses) }

// Actor counts only requests of this user.
func Actor(user string) Expectation { return With("actor", user) }

// Fault counts only requests that a fault on the wire hit: "reset", "empty", …, "any", or "none".
func Fault(name string) Expectation { return With("fault", name) }

// Kept counts only requests whose change was kept, or was not, whatever their client was told.
func Kept(kept bool) Expectation { return With("kept", kept) }

// Waiting counts only requests that still wait: held, or delayed.
func Waiting() Expectation { return With("answered", false) }

// Within waits until it holds, a minute at most.
func Within(patience time.Duration) Expectation { return With("within", seconds(patience)) }

// With is any other key of the control API's verify: With("when", Object{"body": Object{"instances": 5}}).
func With(key string, value any) Expectation { return func(question Object) { question[key] = value } }

// Verdict is whether the journal holds what was expected.
type Verdict struct {
	Result  string `json:"result"` // holds, does_not_hold or cannot_be_known
	Said    string `json:"said"`   // the nearest request too, and how it differs
	Matched []int  `json:"matched"`
}

// Holds says whether everything is as expected.
func (v Verdict) Holds() bool { return v.Result == "holds" }

// Check asks what clients did: which requests of an operation, "" for any, came as is expected.
func (f *Foundation) Check(operation string, expected ...Expectation) Verdict {
	f.t.Helper()
	question := Object{}
	if operation != "" {
		question["operation"] = operation
	}
	for _, each := range expected {
		each(question)
	}
	var verdict Verdict
	f.Call(http.MethodPost, "/verify", question, &verdict)
	return verdict
}

// Verify is Check that fails the test where it does not hold. The test goes on.
func (f *Foundation) Verify(operation string, expected ...Expectation) {
	f.t.Helper()
	if verdict := f.Check(operation, expected...); !verdict.Holds() {
		f.t.Errorf("mockfoundry: %s", verdict.Said)
	}
}

// Limit is what clients may repeat.
type Limit func(url.Values)

// MaxRepeats allows each request to be repeated so often.
func MaxRepeats(n int) Limit { return func(query url.Values) { query.Set("max", strconv.Itoa(n)) } }

// HonoursRetryAfter forbids a repeat that comes earlier than Retry-After allows.
func HonoursRetryAfter() Limit {
	return func(query url.Values) { query.Set("honours_retry_after", "true") }
}

// NeverTwice forbids a repeat that changes the world a second time.
func NeverTwice() Limit { return func(query url.Values) { query.Set("never_twice", "true") } }

// Audit is what clients repeated.
type Audit struct {
	Repeats     int     `json:"repeats"`
	Dishonoured int     `json:"dishonoured"` // repeats that came earlier than Retry-After allows
	Twice       int     `json:"twice"`       // repeats that changed the world a second time
	Table       string  `json:"table"`       // for people
	Verdict     Verdict `json:"verdict"`
}

// Retries says what clients repeated, and fails the test where that is beyond a limit.
func (f *Foundation) Retries(limits ...Limit) Audit {
	f.t.Helper()
	query := url.Values{}
	for _, each := range limits {
		each(query)
	}
	var audit Audit
	f.Call(http.MethodGet, "/retries?"+query.Encode(), nil, &audit)
	if len(limits) > 0 && !audit.Verdict.Holds() {
		f.t.Errorf("mockfoundry: %s\n%s", audit.Verdict.Said, audit.Table)
	}
	return audit
}

// Clock is a foundation's virtual time. When a method returns, everything due by the new time has happened.
type Clock struct{ foundation *Foundation }

// Now is its time.
func (c Clock) Now() time.Time {
	c.foundation.t.Helper()
	return c.ask(http.MethodGet, nil)
}

// Freeze stops it.
func (c Clock) Freeze() time.Time {
	c.foundation.t.Helper()
	return c.ask(http.MethodPatch, Object{"frozen": true})
}

// Run lets it run with real time.
func (c Clock) Run() time.Time {
	c.foundation.t.Helper()
	return c.Rate(1)
}

// Rate makes so many of its seconds pass in a real one.
func (c Clock) Rate(rate float64) time.Time {
	c.foundation.t.Helper()
	return c.ask(http.MethodPatch, Object{"rate": rate})
}

// Advance lets a duration pass at once.
func (c Clock) Advance(by time.Duration) time.Time {
	c.foundation.t.Helper()
	return c.ask(http.MethodPatch, Object{"advance": seconds(by)})
}

// Set sets it to a moment that is not in its past.
func (c Clock) Set(to time.Time) time.Time {
	c.foundation.t.Helper()
	return c.ask(http.MethodPatch, Object{"now": to.Format(time.RFC3339Nano)})
}

func (c Clock) ask(method string, change any) time.Time {
	c.foundation.t.Helper()
	var answer struct{ Now time.Time }
	c.foundation.Call(method, "/clock", change, &answer)
	return answer.Now
}

// end deletes the foundation, after showing what its clients did if the test has failed.
func (f *Foundation) end() {
	f.t.Helper()
	if f.t.Failed() {
		var lines string
		path := f.path(fmt.Sprintf("/requests?format=text&limit=%d", reportedRows))
		if err := f.server.Call(http.MethodGet, path, nil, &lines); err == nil && lines != "" {
			f.t.Logf("mockfoundry: what its clients did:\n%s", strings.TrimSuffix(lines, "\n"))
		}
	}
	// The test may have deleted it, or ended its server.
	_ = f.server.Call(http.MethodDelete, f.path(""), nil, nil)
}

func (f *Foundation) path(rest string) string { return "/foundations/" + f.Name + rest }

// Call is any call of the control API about the foundation: Call("GET", "/changes", nil, &answer). It ends the test where
// the server refuses. docs/http.md has all calls.
func (f *Foundation) Call(method, path string, body, answer any) {
	f.t.Helper()
	if err := f.server.Call(method, f.path(path), body, answer); err != nil {
		f.t.Fatal(err)
	}
}

// YAML is a body that is sent as YAML; every other one is sent as JSON.
type YAML string

// No proxy of the environment stands between a test and its server.
var client = &http.Client{Timeout: callTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

// Call is any call of the control API: Call("GET", "/scenarios", nil, &answer).
//
// The body is a value that is sent as JSON, YAML, or nil. The answer's JSON is decoded into answer, or its text if that is a
// *string; nil ignores it.
func (s *Server) Call(method, path string, body, answer any) error {
	content, mediaType := []byte(nil), "application/json"
	if text, ok := body.(YAML); ok {
		content, mediaType = []byte(text), "application/yaml"
	} else if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return fmt.Errorf("mockfoundry: %w", err)
		}
	}
	request, err := http.NewRequest(method, s.URL+"/__mock"+path, bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("mockfoundry: %w", err)
	}
	if len(content) > 0 {
		request.Header.Set("Content-Type", mediaType)
	}
	if s.ControlToken != "" {
		request.Header.Set("X-Mock-Control-Token", s.ControlToken)
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("mockfoundry: %w", err)
	}
	defer response.Body.Close()
	received, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("mockfoundry: %w", err)
	}
	if response.StatusCode >= 300 {
		var problem struct{ Detail string }
		if json.Unmarshal(received, &problem) != nil || problem.Detail == "" {
			return fmt.Errorf("mockfoundry: %s answered %s %s; is it mockfoundry?", s.URL, method, response.Status)
		}
		return errors.New("mockfoundry: " + problem.Detail)
	}
	if answer == nil {
		return nil
	}
	if text, ok := answer.(*string); ok {
		*text = string(received)
		return nil
	}
	if err := json.Unmarshal(received, answer); err != nil {
		return fmt.Errorf("mockfoundry: %s does not answer as mockfoundry does: %w", s.URL, err)
	}
	return nil
}

// seconds is a duration as the control API reads it, to the microsecond.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Round(time.Microsecond).Seconds(), 'f', -1, 64) + "s"
}
