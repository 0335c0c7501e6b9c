package netsplit;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

/** Contestant: the JDK's HttpClient with its own timeout. */
final class Jdk {
    public static void main(String[] args) throws Exception {
        var version = Protocol.H2 ? HttpClient.Version.HTTP_2 : HttpClient.Version.HTTP_1_1;
        var client = HttpClient.newBuilder().version(version).sslContext(Protocol.tls(Protocol.trust())).build();
        Protocol.run("java.net.http " + Runtime.version(), (method, uri, timeout) -> {
            var body = Protocol.body(method);
            var publisher = body.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body);
            var request = HttpRequest.newBuilder(uri).method(method, publisher).timeout(timeout);
            if (body.length > 0) request.header("content-type", Protocol.GRPC);
            if (body.length > 0 && Protocol.H2) request.header("te", "trailers");
            return client.sendAsync(request.build(), BodyHandlers.discarding()).thenAccept(response ->
                    Protocol.judge(response.version() == HttpClient.Version.HTTP_2, response.statusCode()));
        });
    }
}
