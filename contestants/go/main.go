// Contestant: Go's net/http; nothing but the standard library. Without an argument it keeps its defaults, with `ping`
// it asks for pings.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"

	"netsplit/contestants/go/protocol"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("contestant net/http: ")
	client, major := newClient()
	protocol.Run("net/http "+runtime.Version(), func(ctx context.Context, method, url string) error {
		return request(ctx, client, major, method, url)
	})
}

// newClient makes the one client of the run, and says which major version its responses must have.
func newClient() (*http.Client, int) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: protocol.Authorities()}
	if len(os.Args) > 1 && os.Args[1] == "ping" {
		setPings(transport)
	} else if len(os.Args) > 1 {
		log.Fatalf("the argument is %q, expected ping or none", os.Args[1])
	}
	switch protocol := os.Getenv("NETSPLIT_PROTOCOL"); protocol {
	case "h1": // A map that is there but empty: net/http's documented way to switch HTTP/2 off.
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		transport.ForceAttemptHTTP2 = false
		return &http.Client{Transport: transport}, 1
	case "h2": // With a TLSClientConfig of one's own, HTTP/2 has to be asked for.
		transport.ForceAttemptHTTP2 = true
		if os.Getenv("NETSPLIT_SCHEME") == "http" {
			priorKnowledge(transport)
		}
		return &http.Client{Transport: transport}, 2
	default:
		log.Fatalf("NETSPLIT_PROTOCOL is %q, expected h1 or h2", protocol)
		return nil, 0
	}
}

// request does one request, to the end of its body.
func request(ctx context.Context, client *http.Client, major int, method, url string) error {
	var body io.Reader
	if method == http.MethodPost {
		body = bytes.NewReader(make([]byte, 5)) // an empty gRPC message
	}
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/grpc")
		if major == 2 {
			request.Header.Set("Te", "trailers")
		}
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.ProtoMajor != major {
		return fmt.Errorf("answered in %s instead of HTTP/%d", response.Proto, major)
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("status %s", response.Status)
	}
	return nil
}
