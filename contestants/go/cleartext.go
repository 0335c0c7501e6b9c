//go:build go1.24

package main

import "net/http"

// priorKnowledge makes the transport speak HTTP/2 over plaintext: there is no ALPN to learn it from.
func priorKnowledge(transport *http.Transport) {
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetUnencryptedHTTP2(true)
}
