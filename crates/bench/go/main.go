// Go's net/http in the race: reads a task (JSON, its one argument), measures, prints a measurement (JSON).
//
// The same closed loop as the Rust clients' (src/load.rs), with net/http's defaults but for the windows.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

type task struct {
	Wire        string
	Work        string
	Concurrency int
	Origins     int
	Streams     int
	Address     string
	Authority   string
	Threads     int
	Connections int
	Seconds     float64
	WarmUp      float64 `json:"warm_up"`
	BytesEach   int64   `json:"bytes_each"`
}

type latency struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

type measurement struct {
	Requests int     `json:"requests"`
	Bytes    int64   `json:"bytes"`
	Seconds  float64 `json:"seconds"`
	User     float64 `json:"user"`
	System   float64 `json:"system"`
	Latency  latency `json:"latency"`
	PeakKiB  uint64  `json:"peak_kib"`
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) { clear(into); return len(into), nil }

// One transport has one connection of HTTP/2 per origin: for more, more transports.
func clients(t *task) []*http.Client {
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(t.Authority)
	check(err)
	roots.AppendCertsFromPEM(pem)
	var all []*http.Client
	for range t.Connections {
		protocols := new(http.Protocols)
		switch t.Wire {
		case "http1":
			protocols.SetHTTP1(true)
		case "h2c":
			protocols.SetUnencryptedHTTP2(true)
		default:
			protocols.SetHTTP2(true)
		}
		transport := &http.Transport{
			Protocols:           protocols,
			TLSClientConfig:     &tls.Config{RootCAs: roots},
			MaxIdleConnsPerHost: 64,
			DisableCompression:  true,
			HTTP2:               &http.HTTP2Config{MaxReceiveBufferPerStream: 2 << 20, MaxReceiveBufferPerConnection: 8 << 20},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, t.Address)
			},
		}
		all = append(all, &http.Client{Transport: transport})
	}
	return all
}

func exchange(t *task, client *http.Client, url string) int64 {
	request, err := http.NewRequest("GET", url, nil)
	check(err)
	if t.Work == "upload" {
		request, err = http.NewRequest("PUT", url, io.LimitReader(zeros{}, t.BytesEach))
		check(err)
		request.ContentLength = t.BytesEach
	}
	response, err := client.Do(request)
	check(err)
	if response.StatusCode != 200 {
		check(fmt.Errorf("the server answered %s", response.Status))
	}
	bytes, err := io.Copy(io.Discard, response.Body)
	check(err)
	check(response.Body.Close())
	if t.Work == "upload" {
		bytes = t.BytesEach
	}
	return bytes
}

// Until then, or one request of each worker if that is zero.
func run(t *task, all []*http.Client, urls []string, end time.Time) (latencies []time.Duration, bytes int64) {
	var lock sync.Mutex
	var workers sync.WaitGroup
	for worker := range t.Concurrency {
		workers.Add(1)
		go func() {
			defer workers.Done()
			var own []time.Duration
			var sum int64
			before := time.Now()
			for origin := worker % t.Origins; ; origin = (origin + t.Concurrency) % t.Origins {
				sum += exchange(t, all[worker%len(all)], urls[origin])
				now := time.Now()
				own = append(own, now.Sub(before))
				before = now
				if !now.Before(end) {
					break
				}
			}
			lock.Lock()
			latencies, bytes = append(latencies, own...), bytes+sum
			lock.Unlock()
		}()
	}
	workers.Wait()
	return latencies, bytes
}

func main() {
	var t task
	check(json.Unmarshal([]byte(os.Args[1]), &t))
	runtime.GOMAXPROCS(t.Threads)
	if t.Origins == 0 {
		t.Origins, t.Concurrency = 1, t.Streams
	}
	path, scheme, bulk := "/small", "http", t.Work != "small"
	if t.Work == "download" {
		path = "/big"
	}
	if t.Wire == "h2" {
		scheme = "https"
	}
	_, port, _ := net.SplitHostPort(t.Address)
	var urls []string
	for origin := range t.Origins {
		urls = append(urls, fmt.Sprintf("%s://o%d.test:%s%s", scheme, origin, port, path))
	}
	all := clients(&t)
	for _, client := range all {
		for _, url := range urls {
			small := t
			small.Work = "small"
			exchange(&small, client, strings.Replace(url, "/big", "/small", 1))
		}
	}
	end := func(seconds float64) time.Time {
		if bulk {
			return time.Time{}
		}
		return time.Now().Add(time.Duration(seconds * float64(time.Second)))
	}
	run(&t, all, urls, end(t.WarmUp))
	user, system := cpu()
	start := time.Now()
	latencies, bytes := run(&t, all, urls, end(t.Seconds))
	seconds := time.Since(start).Seconds()
	userAfter, systemAfter := cpu()
	slices.Sort(latencies)
	at := func(share float64) float64 {
		return float64(latencies[min(len(latencies)-1, int(share*float64(len(latencies))))].Nanoseconds()) / 1e3
	}
	check(json.NewEncoder(os.Stdout).Encode(measurement{
		Requests: len(latencies), Bytes: bytes, Seconds: seconds,
		User: userAfter - user, System: systemAfter - system,
		Latency: latency{at(.5), at(.9), at(.99), at(.999), at(1)},
		PeakKiB: peak(),
	}))
}

func cpu() (user, system float64) {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()) / 1e9, float64(usage.Stime.Nano()) / 1e9
}

func peak() (kib uint64) {
	status, err := os.ReadFile("/proc/self/status")
	check(err)
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	_, err = fmt.Sscan(after, &kib)
	check(err)
	return kib
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
