// Contestant: grpc-go, unary calls. Without an argument it keeps its defaults, with `keepalive` it sends pings as its
// documentation's example does.
//
// The path of the URL is the method's name. The origin answers any call with an empty message.
package main

import (
	"context"
	"log"
	"net/url"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/types/known/emptypb"

	"netsplit/contestants/go/protocol"
)

// The values of examples/features/keepalive. The time is the least that grpc-go allows.
var pings = keepalive.ClientParameters{Time: 10 * time.Second, Timeout: time.Second, PermitWithoutStream: true}

func main() {
	log.SetFlags(0)
	log.SetPrefix("contestant grpc-go: ")
	if version := os.Getenv("NETSPLIT_PROTOCOL"); version != "h2" {
		log.Fatalf("NETSPLIT_PROTOCOL is %q, and gRPC is HTTP/2 only", version)
	}
	transport := credentials.NewClientTLSFromCert(protocol.Authorities(), "")
	if os.Getenv("NETSPLIT_SCHEME") == "http" {
		transport = insecure.NewCredentials()
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(transport)}
	if len(os.Args) > 1 && os.Args[1] == "keepalive" {
		options = append(options, grpc.WithKeepaliveParams(pings))
	} else if len(os.Args) > 1 {
		log.Fatalf("the argument is %q, expected keepalive or none", os.Args[1])
	}
	channel := oneChannel(options)
	protocol.Run("grpc-go "+grpc.Version, func(ctx context.Context, _, address string) error {
		url, err := url.Parse(address)
		if err != nil {
			return err
		}
		connection, err := channel(url.Host)
		if err != nil {
			return err
		}
		return connection.Invoke(ctx, url.Path, &emptypb.Empty{}, &emptypb.Empty{})
	})
}

// oneChannel makes the one channel of the run when the first request tells where to.
func oneChannel(options []grpc.DialOption) func(host string) (*grpc.ClientConn, error) {
	var once sync.Once
	var channel *grpc.ClientConn
	var err error
	return func(host string) (*grpc.ClientConn, error) {
		once.Do(func() { channel, err = grpc.NewClient(host, options...) })
		return channel, err
	}
}
