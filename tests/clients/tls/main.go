// Asks by net/http: for each line, whether the authority is trusted and a URL, it prints what came of it.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

func ask(roots *x509.CertPool, url string) string {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Authorization", "bearer admin")
	response, err := (&http.Client{Transport: transport, Timeout: 3 * time.Second}).Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	if _, err := io.ReadAll(response.Body); err != nil {
		return err.Error()
	}
	return response.Status
}

func main() {
	log.SetOutput(io.Discard)
	authority, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	trusting, nobody := x509.NewCertPool(), x509.NewCertPool()
	trusting.AppendCertsFromPEM(authority)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		trusts, url, _ := strings.Cut(lines.Text(), " ")
		roots := nobody
		if trusts == "trusting" {
			roots = trusting
		}
		fmt.Println(strings.ReplaceAll(ask(roots, url), "\n", " "))
	}
}
