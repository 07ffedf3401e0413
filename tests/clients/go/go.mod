module example.com/flows

go 1.23

require (
	github.com/cloudfoundry/go-cfclient/v3 v3.0.0-alpha.20
	github.com/hashicorp/go-retryablehttp v0.7.8
)
