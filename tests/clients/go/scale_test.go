package main

import (
	"context"
	"os"
	"testing"

	"example.com/flows/internal/mockfoundry"
	"github.com/cloudfoundry/go-cfclient/v3/client"
	"github.com/cloudfoundry/go-cfclient/v3/config"
	"github.com/cloudfoundry/go-cfclient/v3/resource"
)

func TestPointing(t *testing.T) {
	url := os.Getenv("MOCKFOUNDRY_URL")
	// [point]
	cfg, err := config.New(url, config.UserPassword("admin@ci-42", "any password"))
	cf, err := client.New(cfg)
	apps, err := cf.Applications.ListAll(context.Background(), nil)
	// [end]
	if err != nil || len(apps) != 1 || apps[0].Name != "dora" {
		t.Fatal(apps, err)
	}
}

// [test]
func TestAnUnavailableServerReachesTheCaller(t *testing.T) {
	foundation := mockfoundry.New(t)
	foundation.Play("unavailable-then-ok")
	cfg, _ := config.New(foundation.URL, config.UserPassword("admin", "any"))
	cf, _ := client.New(cfg)
	web := foundation.Process("dora", "web").GUID
	_, err := cf.Processes.Scale(context.Background(), web, resource.NewProcessScale().WithInstances(3))
	if !resource.IsServiceUnavailableError(err) || foundation.Process("dora", "web").Instances != 1 {
		t.Error(err)
	}
}

// [end]
