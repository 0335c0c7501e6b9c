package netsplit;

import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.client.BytesRequestContent;
import org.eclipse.jetty.client.CompletableResponseListener;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.transport.HttpClientTransportOverHTTP;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.http2.client.HTTP2Client;
import org.eclipse.jetty.http2.client.transport.HttpClientTransportOverHTTP2;
import org.eclipse.jetty.io.ClientConnector;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/** Contestant: Jetty's client with its own timeout. */
final class Jetty {
    public static void main(String[] args) throws Exception {
        var tls = new SslContextFactory.Client();
        tls.setSslContext(Protocol.tls(Protocol.trust()));
        var connector = new ClientConnector();
        connector.setSslContextFactory(tls);
        var client = new HttpClient(Protocol.H2
                ? new HttpClientTransportOverHTTP2(new HTTP2Client(connector))
                : new HttpClientTransportOverHTTP(connector));
        client.start();
        Protocol.run(Protocol.version(HttpClient.class), (method, uri, timeout) -> {
            var request = client.newRequest(uri).method(method).timeout(timeout.toMillis(), TimeUnit.MILLISECONDS);
            var body = Protocol.body(method);
            if (body.length > 0) request.body(new BytesRequestContent(Protocol.GRPC, body));
            if (body.length > 0 && Protocol.H2) request.headers(headers -> headers.put("te", "trailers"));
            return new CompletableResponseListener(request).send().thenAccept(response ->
                    Protocol.judge(response.getVersion() == HttpVersion.HTTP_2, response.getStatus()));
        });
    }
}
