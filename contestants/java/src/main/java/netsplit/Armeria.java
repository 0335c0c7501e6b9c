package netsplit;

import com.linecorp.armeria.client.ClientFactory;
import com.linecorp.armeria.client.ClientRequestContext;
import com.linecorp.armeria.client.Clients;
import com.linecorp.armeria.client.RequestOptions;
import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.logging.RequestLogProperty;
import com.linecorp.armeria.common.outlier.OutlierDetection;
import java.time.Duration;

/**
 * Contestant: Armeria with its own timeout. With {@code ping} its connections are pinged, with {@code outlier-detection}
 * a connection whose requests fail more often than not gets no more of them; both off by default.
 */
final class Armeria {
    public static void main(String[] args) throws Exception {
        var trust = Protocol.trust();
        var factory = ClientFactory.builder().tlsCustomizer(tls -> tls.trustManager(trust));
        switch (String.join(" ", args)) {
            case "" -> { }
            case "ping" -> factory.pingInterval(Duration.ofSeconds(1)); // The least that it allows.
            case "outlier-detection" -> factory.connectionOutlierDetection(OutlierDetection.of());
            default -> throw new IllegalArgumentException(String.join(" ", args));
        }
        var client = WebClient.builder().factory(factory.build()).build();
        Protocol.run(Protocol.version(WebClient.class), (method, uri, timeout) -> {
            var rest = uri.toString().substring(uri.getScheme().length());
            var address = (Protocol.H2 ? Protocol.PLAIN ? "h2c" : "https" : Protocol.PLAIN ? "h1c" : "h1") + rest;
            var body = Protocol.body(method);
            var head = RequestHeaders.builder(HttpMethod.valueOf(method), address);
            if (body.length > 0) head.set("content-type", Protocol.GRPC);
            if (body.length > 0 && Protocol.H2) head.set("te", "trailers");
            var options = RequestOptions.builder().responseTimeout(timeout).build();
            try (var captor = Clients.newContextCaptor()) {
                var response = client.execute(HttpRequest.of(head.build(), HttpData.wrap(body)), options);
                ClientRequestContext context = captor.get();
                return response.aggregate().thenCombine(
                        context.log().whenAvailable(RequestLogProperty.SESSION),
                        (whole, log) -> {
                            Protocol.judge(log.sessionProtocol().isMultiplex(), whole.status().code());
                            return whole;
                        });
            }
        });
    }
}
