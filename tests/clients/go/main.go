// Drives go-cfclient by lines of JSON: a call a line on standard input, what came of it on standard output.
// With the argument `retrying`, requests go through go-retryablehttp with three repeats, as the app-autoscaler's do.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/cloudfoundry/go-cfclient/v3/client"
	"github.com/cloudfoundry/go-cfclient/v3/config"
	"github.com/cloudfoundry/go-cfclient/v3/resource"
	"github.com/hashicorp/go-retryablehttp"
)

type call struct {
	Call        string `json:"call"`
	URL         string `json:"url"`
	User        string `json:"user"`
	Password    string `json:"password"`
	App         string `json:"app"`
	Instances   *int   `json:"instances"`
	MemoryInMB  *int   `json:"memory_in_mb"`
	Index       int    `json:"index"`
	HealthCheck string `json:"health_check"`
	Strategy    string `json:"strategy"`
}

var (
	cf       *client.Client
	ctx      = context.Background()
	retrying = len(os.Args) > 1 && os.Args[1] == "retrying"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked call
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		value, err := do(asked)
		if err != nil {
			_ = answers.Encode(map[string]any{"failure": err.Error()})
		} else {
			_ = answers.Encode(map[string]any{"value": value})
		}
	}
}

func do(asked call) (any, error) {
	switch asked.Call {
	case "log_in":
		return nil, logIn(asked)
	case "apps":
		apps, err := cf.Applications.ListAll(ctx, nil)
		return names(apps), err
	case "processes":
		return processes(asked.App)
	case "states":
		return states(asked.App)
	case "scale":
		web, err := webOf(asked.App)
		if err != nil {
			return nil, err
		}
		_, err = cf.Processes.Scale(ctx, web, &resource.ProcessScale{Instances: asked.Instances, MemoryInMB: asked.MemoryInMB})
		return nil, err
	case "terminate":
		web, err := webOf(asked.App)
		if err != nil {
			return nil, err
		}
		return nil, cf.Processes.Terminate(ctx, web, asked.Index)
	case "check_health_by":
		web, err := webOf(asked.App)
		if err != nil {
			return nil, err
		}
		_, err = cf.Processes.Update(ctx, web, resource.NewProcessUpdate().WithHealthCheckType(asked.HealthCheck))
		return nil, err
	}
	app, err := guidOf(asked.App)
	if err != nil {
		return nil, err
	}
	switch asked.Call {
	case "stop":
		_, err = cf.Applications.Stop(ctx, app)
	case "start":
		_, err = cf.Applications.Start(ctx, app)
	case "restart":
		_, err = cf.Applications.Restart(ctx, app)
	case "deploy":
		create := resource.NewDeploymentCreate(app)
		create.Strategy = asked.Strategy
		_, err = cf.Deployments.Create(ctx, create)
	case "deployment":
		var newest *resource.Deployment
		if newest, err = newestDeployment(app); err == nil {
			return newest.Status.Value + " " + newest.Status.Reason, nil
		}
	case "go_on":
		var newest *resource.Deployment
		if newest, err = newestDeployment(app); err == nil {
			err = cf.Deployments.Continue(ctx, newest.GUID)
		}
	case "events":
		return events(app)
	default:
		panic("no such call: " + asked.Call)
	}
	return nil, err
}

func logIn(asked call) error {
	options := []config.Option{config.UserPassword(asked.User, asked.Password)}
	if retrying {
		repeating := retryablehttp.NewClient()
		repeating.RetryMax = 3
		repeating.Logger = nil
		options = append(options, config.HttpClient(repeating.StandardClient()))
	}
	cfg, err := config.New(asked.URL, options...)
	if err != nil {
		return err
	}
	cf, err = client.New(cfg)
	return err
}

func names(apps []*resource.App) []string {
	found := []string{}
	for _, app := range apps {
		found = append(found, app.Name)
	}
	return found
}

func guidOf(app string) (string, error) {
	options := client.NewAppListOptions()
	options.Names = client.Filter{Values: []string{app}}
	found, err := cf.Applications.Single(ctx, options)
	if err != nil {
		return "", err
	}
	return found.GUID, nil
}

func processes(app string) (any, error) {
	guid, err := guidOf(app)
	if err != nil {
		return nil, err
	}
	all, err := cf.Processes.ListForAppAll(ctx, guid, nil)
	found := [][]any{}
	for _, each := range all {
		found = append(found, []any{each.Type, each.Instances})
	}
	return found, err
}

// webOf is the guid of the app's newest web process.
func webOf(app string) (string, error) {
	guid, err := guidOf(app)
	if err != nil {
		return "", err
	}
	all, err := cf.Processes.ListForAppAll(ctx, guid, nil)
	if err != nil {
		return "", err
	}
	web := ""
	for _, each := range all {
		if each.Type == "web" {
			web = each.GUID
		}
	}
	if web == "" {
		return "", fmt.Errorf("%s has no web process", app)
	}
	return web, nil
}

func states(app string) (any, error) {
	web, err := webOf(app)
	if err != nil {
		return nil, err
	}
	stats, err := cf.Processes.GetStats(ctx, web)
	if err != nil {
		return nil, err
	}
	found := []string{}
	for _, each := range stats.Stats {
		found = append(found, each.State)
	}
	return found, nil
}

func newestDeployment(app string) (*resource.Deployment, error) {
	options := client.NewDeploymentListOptions()
	options.AppGUIDs = client.Filter{Values: []string{app}}
	options.OrderBy = "-created_at"
	return cf.Deployments.First(ctx, options)
}

func events(app string) (any, error) {
	options := client.NewAuditEventListOptions()
	options.TargetGUIDs = client.ExclusionFilter{Filter: client.Filter{Values: []string{app}}}
	options.OrderBy = "-created_at"
	all, err := cf.AuditEvents.ListAll(ctx, options)
	found := []string{}
	for _, each := range all {
		found = append(found, each.Type)
	}
	return found, err
}
