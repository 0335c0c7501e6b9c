// Go's net/http as the client's tests want it: see README.md.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

var (
	directory = os.Getenv("DIR")
	writing   sync.Mutex
)

func main() {
	listener, err := net.FileListener(os.Stdin)
	if err != nil {
		log.Fatal("standard input is not a listening socket: ", err)
	}
	idle, _ := strconv.Atoi(os.Getenv("IDLE"))
	server := &http.Server{Handler: routes(), IdleTimeout: time.Duration(idle) * time.Second}
	server.Protocols = new(http.Protocols)
	speech := os.Args[1]
	server.Protocols.SetHTTP1(speech != "h2")
	server.Protocols.SetHTTP2(speech == "h2-tls")
	server.Protocols.SetUnencryptedHTTP2(speech == "h2")

	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	over := make(chan struct{})
	go func() {
		<-terminated
		server.Shutdown(context.Background())
		close(over)
	}()
	if speech == "h1" || speech == "h2" {
		err = server.Serve(listener)
	} else {
		err = server.ServeTLS(listener, directory+"/cert.pem", directory+"/key.pem")
	}
	if err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-over
}

func routes() http.Handler {
	routes := http.NewServeMux()
	files := http.FileServer(http.Dir(directory))
	routes.Handle("/hello", files)
	routes.Handle("/big", files)
	routes.HandleFunc("/status", func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("x-one", "1")
		answer.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
		answer.WriteHeader(418)
		io.WriteString(answer, "short and stout")
	})
	routes.HandleFunc("/count", func(answer http.ResponseWriter, request *http.Request) {
		length, _ := io.Copy(io.Discard, request.Body)
		fmt.Fprint(answer, length)
	})
	routes.HandleFunc("/once", func(answer http.ResponseWriter, request *http.Request) {
		io.Copy(io.Discard, request.Body)
		note(request.Header.Get("x-id"))
		io.WriteString(answer, "done")
	})
	routes.HandleFunc("/slow", func(answer http.ResponseWriter, request *http.Request) {
		note(request.Header.Get("x-id"))
		time.Sleep(200 * time.Millisecond)
		io.WriteString(answer, "done")
	})
	routes.HandleFunc("/echo", echo)
	return routes
}

// note writes down that a request was processed.
func note(id string) {
	writing.Lock()
	defer writing.Unlock()
	file, err := os.OpenFile(directory+"/once", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	fmt.Fprintln(file, id)
}

func echo(answer http.ResponseWriter, request *http.Request) {
	control := http.NewResponseController(answer)
	control.EnableFullDuplex()
	answer.WriteHeader(200)
	control.Flush()
	buffer := make([]byte, 16384)
	for {
		length, err := request.Body.Read(buffer)
		answer.Write(buffer[:length])
		control.Flush()
		if err != nil {
			break
		}
	}
	for name, values := range request.Trailer {
		answer.Header()[http.TrailerPrefix+name] = values
	}
}
