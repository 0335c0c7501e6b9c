//go:build go1.24

//go:debug default=go1.24

package main

// go.mod names an old Go so that old ones can be measured too; but that alone would make a newer Go keep the old one's
// defaults (its TLS key exchange, for one). This file gives them back.
