//go:build go1.24

package main

import (
	"net/http"
	"time"
)

// setPings makes the transport ask a connection that has been silent for a second, and close it when no answer comes
// within another. The documentation of http.HTTP2Config names the two fields and no values; its own default for the
// second is 15 s.
func setPings(transport *http.Transport) {
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: time.Second, PingTimeout: time.Second}
}
