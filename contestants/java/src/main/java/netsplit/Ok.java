package netsplit;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import javax.net.ssl.X509TrustManager;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;

/**
 * Contestant: OkHttp. A request is given up by the call's timeout; with {@code read-timeout} by the timeout between two
 * reads, which its documentation sets for one call by deriving a client. With {@code ping} the client pings.
 *
 * Calls are made as on its documentation's first page, blocking, each on a thread; {@code enqueue} would allow five at a
 * time.
 *
 * One default matters for short timeouts: its sockets leave Nagle's algorithm on, and the JDK's TLS writes the end of its
 * handshake in pieces, so that a dial waits for an acknowledgement. With a timeout of 10 ms no dial after a cut ever
 * ended: over HTTP/1.1 2,500 of 3,000 requests failed. With a socket factory that sets TCP_NODELAY 5 failed for 3 cuts.
 */
final class Ok {
    public static void main(String[] args) throws Exception {
        var trust = Protocol.trust();
        var manager = (X509TrustManager) trust.getTrustManagers()[0];
        var builder = new OkHttpClient.Builder().sslSocketFactory(Protocol.tls(trust).getSocketFactory(), manager);
        if (!Protocol.H2) builder.protocols(List.of(okhttp3.Protocol.HTTP_1_1));
        else if (Protocol.PLAIN) builder.protocols(List.of(okhttp3.Protocol.H2_PRIOR_KNOWLEDGE));
        // Its documentation names no value.
        if (Arrays.asList(args).contains("ping")) builder.pingInterval(Duration.ofSeconds(1));
        boolean readTimeout = Arrays.asList(args).contains("read-timeout");
        var client = builder.build();
        var threads = Executors.newCachedThreadPool();
        Protocol.run(Protocol.version(OkHttpClient.class), (method, uri, timeout) -> CompletableFuture.runAsync(() -> {
            var request = request(method, uri.toString());
            var limited = client.newBuilder();
            if (readTimeout) limited.readTimeout(timeout);
            else limited.callTimeout(timeout);
            try (var response = limited.build().newCall(request).execute()) {
                response.body().bytes();
                var spoken = response.protocol();
                boolean h2 = spoken == okhttp3.Protocol.HTTP_2 || spoken == okhttp3.Protocol.H2_PRIOR_KNOWLEDGE;
                Protocol.judge(h2, response.code());
            } catch (java.io.IOException error) {
                throw new java.io.UncheckedIOException(error);
            }
        }, threads));
    }

    private static Request request(String method, String url) {
        var body = Protocol.body(method);
        var request = new Request.Builder().url(url);
        if (body.length == 0) return request.method(method, null).build();
        if (Protocol.H2) request.header("te", "trailers");
        return request.method(method, RequestBody.create(body, MediaType.get(Protocol.GRPC))).build();
    }
}
