package netsplit;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpMethod;
import java.time.Duration;
import java.util.Optional;
import reactor.core.publisher.Mono;
import reactor.netty.http.Http11SslContextSpec;
import reactor.netty.http.Http2SslContextSpec;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/**
 * Contestant: reactor-netty, given up by its response timeout. With {@code ping} it pings a connection that has been idle
 * for a second, and closes it when no answer comes within another.
 */
final class ReactorNetty {
    public static void main(String[] args) throws Exception {
        boolean ping = args.length > 0 && args[0].equals("ping");
        var second = Duration.ofSeconds(1);
        var trust = Protocol.trust();
        var plain = ping
                ? HttpClient.create(ConnectionProvider.builder("ping").maxIdleTime(second).build())
                        .http2Settings(settings -> settings.pingAckTimeout(second))
                : HttpClient.create();
        var client = Protocol.H2 && Protocol.PLAIN ? plain.protocol(HttpProtocol.H2C) : Protocol.H2
                ? plain.protocol(HttpProtocol.H2).secure(tls -> tls.sslContext(
                        Http2SslContextSpec.forClient().configure(context -> context.trustManager(trust))))
                : plain.protocol(HttpProtocol.HTTP11).secure(tls -> tls.sslContext(
                        Http11SslContextSpec.forClient().configure(context -> context.trustManager(trust))));
        Protocol.run(Protocol.version(HttpClient.class), (method, uri, timeout) -> request(client, method, timeout).uri(uri)
                .send(Mono.justOrEmpty(body(method)))
                .responseSingle((response, body) -> body.asByteArray().doOnNext(bytes ->
                        Protocol.judge(response.version().majorVersion() == 2, response.status().code())))
                .toFuture());
    }

    private static HttpClient.RequestSender request(HttpClient client, String method, Duration timeout) {
        return client.responseTimeout(timeout).headers(headers -> {
            if (Protocol.body(method).length == 0) return;
            headers.set("content-type", Protocol.GRPC);
            if (Protocol.H2) headers.set("te", "trailers");
        }).request(HttpMethod.valueOf(method));
    }

    private static Optional<ByteBuf> body(String method) {
        var body = Protocol.body(method);
        return body.length == 0 ? Optional.empty() : Optional.of(Unpooled.wrappedBuffer(body));
    }
}
