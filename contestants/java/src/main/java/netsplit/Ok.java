package netsplit;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import javax.net.ssl.X509TrustManager;
import okhttp3.OkHttpClient;
import okhttp3.Request;

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
        // Its documentation names no value.
        if (Arrays.asList(args).contains("ping")) builder.pingInterval(Duration.ofSeconds(1));
        boolean readTimeout = Arrays.asList(args).contains("read-timeout");
        var client = builder.build();
        var threads = Executors.newCachedThreadPool();
        Protocol.run(Protocol.version(OkHttpClient.class), (method, uri, timeout) -> CompletableFuture.runAsync(() -> {
            var request = new Request.Builder().url(uri.toString()).method(method, null).build();
            var limited = client.newBuilder();
            if (readTimeout) limited.readTimeout(timeout);
            else limited.callTimeout(timeout);
            try (var response = limited.build().newCall(request).execute()) {
                response.body().bytes();
                Protocol.judge(response.protocol() == okhttp3.Protocol.HTTP_2, response.code());
            } catch (java.io.IOException error) {
                throw new java.io.UncheckedIOException(error);
            }
        }, threads));
    }
}
