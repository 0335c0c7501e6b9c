//go:build !go1.24

package main

import (
	"log"
	"net/http"
)

func setPings(*http.Transport) {
	log.Fatal("http.HTTP2Config needs Go 1.24")
}
