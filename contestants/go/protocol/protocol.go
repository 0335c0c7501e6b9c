// Package protocol is the contestants' line protocol, for those written in Go.
//
// A contestant says how one request is done; Run does the rest: it reads go lines, starts every request at once, and
// writes done lines. What the lines mean is told in contestants/README.md. Nothing but the standard library.
package protocol

import (
	"bufio"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"strings"
	"time"
)

// A Request does one request to the end of its body. It is given up when the context ends, which is the usual way.
type Request func(ctx context.Context, method, url string) error

// Run serves the protocol on the standard streams until the lab closes them.
func Run(version string, request Request) {
	done := make(chan string, 1024)
	go write(done)
	done <- "ready " + version + "\n"

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
			ctx, cancel := context.WithTimeout(context.Background(), timeout)
			defer cancel()
			err := request(ctx, method, url)
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

// Authorities reads the only certificate authority to trust.
func Authorities() *x509.CertPool {
	pem, err := os.ReadFile(os.Getenv("NETSPLIT_CA"))
	if err != nil {
		log.Fatalf("NETSPLIT_CA: %v", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		log.Fatal("NETSPLIT_CA: no certificate in it")
	}
	return roots
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
