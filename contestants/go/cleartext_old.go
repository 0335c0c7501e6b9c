//go:build !go1.24

package main

import (
	"log"
	"net/http"
)

// priorKnowledge is what net/http could not have before Go 1.24.
func priorKnowledge(*http.Transport) {
	log.Fatal("this Go's net/http has no HTTP/2 over plaintext; Go 1.24 has")
}
