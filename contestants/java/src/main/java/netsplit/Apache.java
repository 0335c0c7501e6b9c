package netsplit;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.async.methods.SimpleHttpResponse;
import org.apache.hc.client5.http.async.methods.SimpleRequestBuilder;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.config.TlsConfig;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.apache.hc.client5.http.impl.async.HttpAsyncClients;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.ClientTlsStrategyBuilder;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.nio.ssl.TlsStrategy;
import org.apache.hc.core5.http2.HttpVersionPolicy;
import org.apache.hc.core5.util.Timeout;

/**
 * Contestant: Apache HttpClient's asynchronous client. Without an argument the one with a pool, which gives a connection
 * to one request at a time even over HTTP/2; with {@code multiplexing} the one for HTTP/2 only.
 *
 * Its own response timeout is looked at once a second, so its users cancel the future as well; so do we.
 */
final class Apache {
    public static void main(String[] args) throws Exception {
        var tls = ClientTlsStrategyBuilder.create().setSslContext(Protocol.tls(Protocol.trust())).buildAsync();
        var client = args.length > 0 && args[0].equals("multiplexing")
                ? HttpAsyncClients.customHttp2().setTlsStrategy(tls).build()
                : pooling(tls);
        client.start();
        var timer = Executors.newSingleThreadScheduledExecutor();
        Protocol.run(Protocol.version(HttpAsyncClients.class), (method, uri, timeout) -> {
            var config = RequestConfig.custom().setResponseTimeout(Timeout.of(timeout)).build();
            var request = SimpleRequestBuilder.create(method).setUri(uri).setRequestConfig(config);
            var body = Protocol.body(method);
            if (body.length > 0) request.setBody(body, ContentType.create(Protocol.GRPC));
            if (body.length > 0 && Protocol.H2) request.addHeader("te", "trailers");
            var exchange = new CompletableFuture<Void>();
            var running = client.execute(request.build(), answer(exchange));
            timer.schedule(() -> running.cancel(true), timeout.toMillis(), TimeUnit.MILLISECONDS);
            return exchange;
        });
    }

    private static CloseableHttpAsyncClient pooling(TlsStrategy tls) {
        var policy = Protocol.H2 ? HttpVersionPolicy.NEGOTIATE : HttpVersionPolicy.FORCE_HTTP_1;
        var connections = PoolingAsyncClientConnectionManagerBuilder.create().setTlsStrategy(tls)
                .setDefaultTlsConfig(TlsConfig.custom().setVersionPolicy(policy).build()).build();
        return HttpAsyncClients.custom().setConnectionManager(connections).build();
    }

    private static FutureCallback<SimpleHttpResponse> answer(CompletableFuture<Void> exchange) {
        return new FutureCallback<>() {
            @Override
            public void completed(SimpleHttpResponse response) {
                try {
                    Protocol.judge(response.getVersion().getMajor() == 2, response.getCode());
                    exchange.complete(null);
                } catch (RuntimeException error) {
                    exchange.completeExceptionally(error);
                }
            }

            @Override
            public void failed(Exception error) {
                exchange.completeExceptionally(error);
            }

            @Override
            public void cancelled() {
                exchange.cancel(false);
            }
        };
    }
}
