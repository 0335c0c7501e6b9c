// Contestant: Go's net/http with its defaults; nothing but the standard library.
//
// The lines are told in contestants/README.md. A request is given up by its context's timeout, the usual way.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("contestant net/http: ")
	client, major := newClient()
	done := make(chan string, 1024)
	go write(done)
	done <- "ready net/http " + runtime.Version() + "\n"

	for input := bufio.NewReader(os.Stdin); ; {
		line, err := input.ReadString('\n')
		if err == io.EOF {
			os.Exit(0)
		} else if err != nil {
			log.Fatalf("cannot read standard input: %v", err)
		}
		id, method, url, timeout, err := parse(strings.TrimSuffix(line, "\n"))
		if err != nil {
			log.Fatalf("malformed line, %v: %q; expected: go <id> <method> <url> <timeout_ms>", err, line)
		}
		go func() {
			start := time.Now()
			err := request(client, major, method, url, timeout)
			took := time.Since(start)
			end := fmt.Sprintf("ok %d", took.Microseconds())
			if err != nil && took >= timeout {
				end = fmt.Sprintf("timeout %d", took.Microseconds())
			} else if err != nil {
				end = fmt.Sprintf("error %d %s", took.Microseconds(), strings.Join(strings.Fields(err.Error()), " "))
			}
			done <- fmt.Sprintf("done %d %s\n", id, end)
		}()
	}
}

// newClient makes the one client of the run, and says which major version its responses must have.
func newClient() (*http.Client, int) {
	pem, err := os.ReadFile(os.Getenv("NETSPLIT_CA"))
	if err != nil {
		log.Fatalf("NETSPLIT_CA: %v", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		log.Fatal("NETSPLIT_CA: no certificate in it")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
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
func request(client *http.Client, major int, method, url string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
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

// parse reads `go <id> <method> <url> <timeout_ms>`.
func parse(line string) (id uint64, method, url string, timeout time.Duration, err error) {
	words := strings.Split(line, " ")
	if len(words) != 5 || words[0] != "go" || words[2] == "" || words[3] == "" {
		return 0, "", "", 0, fmt.Errorf("not five words that begin with go")
	}
	if id, err = strconv.ParseUint(words[1], 10, 64); err != nil {
		return 0, "", "", 0, err
	}
	// 43 bits: as many milliseconds as a Duration holds.
	ms, err := strconv.ParseUint(words[4], 10, 43)
	return id, words[2], words[3], time.Duration(ms) * time.Millisecond, err
}

// write puts lines out as they come: those that are there together in one write, none held back.
func write(lines <-chan string) {
	output := bufio.NewWriter(os.Stdout)
	for line := range lines {
		output.WriteString(line)
		if len(lines) == 0 {
			if err := output.Flush(); err != nil {
				log.Fatalf("cannot write standard output: %v", err)
			}
		}
	}
}
