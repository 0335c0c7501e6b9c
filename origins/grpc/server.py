"""netsplit's gRPC origin: gRPC's own server with its default policy against PINGs.

Any method is served. `/r/<id>` is a counted call, answered after the given time and reported on standard output as
`seen <id> <peer's port>`; `/w/<id>` is answered at once; `/stream/<id>` never says anything and never ends. The first line
is `port <port>`. It ends when its standard input does.
"""
import sys
import threading
import time
from concurrent import futures

import grpc

# Calls that sleep and streams that idle hold a thread each.
THREADS = 64


class Anything(grpc.GenericRpcHandler):
    def __init__(self, takes):
        self.takes = takes

    def service(self, details):
        _, kind, name = details.method.split("/", 2)
        if kind == "stream":
            return grpc.unary_stream_rpc_method_handler(idle)
        return grpc.unary_unary_rpc_method_handler(lambda request, context: self.unary(kind, name, context))

    def unary(self, kind, name, context):
        if kind == "r":
            say(f"seen {name} {context.peer().rsplit(':', 1)[1]}")
            time.sleep(self.takes)
        return b""


def idle(request, context):
    ended = threading.Event()
    context.add_callback(ended.set)
    ended.wait()
    return iter(())


def say(line):
    # One write: calls on several threads must not tear each other's lines.
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main():
    server = grpc.server(futures.ThreadPoolExecutor(THREADS))
    server.add_generic_rpc_handlers([Anything(int(sys.argv[1]) / 1000)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    say(f"port {port}")
    sys.stdin.read()


main()
