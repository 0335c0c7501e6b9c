package netsplit;

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * The contestants' line protocol, for those written for the JVM.
 *
 * A contestant says how one request is done; {@link #run} does the rest: it reads {@code go} lines, starts every request
 * at once, and writes {@code done} lines. What the lines mean is told in contestants/README.md.
 */
final class Protocol {
    /** Whether HTTP/2 is to be spoken, rather than HTTP/1.1. */
    static final boolean H2 = switch (String.valueOf(System.getenv("NETSPLIT_PROTOCOL"))) {
        case "h1" -> false;
        case "h2" -> true;
        default -> throw new IllegalStateException("NETSPLIT_PROTOCOL is neither h1 nor h2");
    };

    /** Whether there is no TLS. HTTP/2 is spoken with prior knowledge then. */
    static final boolean PLAIN = "http".equals(System.getenv("NETSPLIT_SCHEME"));

    /** The content type of a body. */
    static final String GRPC = "application/grpc";

    private static final Pattern GO = Pattern.compile("go (\\d+) (\\S+) (\\S+) (\\d+)");

    /** Starts one request; the future ends when the body has, or when the client gave it up. */
    interface Client {
        CompletableFuture<?> start(String method, URI uri, Duration timeout) throws Exception;
    }

    /** Serves the protocol on the standard streams until the lab closes them. */
    static void run(String version, Client client) throws IOException {
        say("ready " + version);
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = input.readLine()) != null; ) {
            var go = GO.matcher(line);
            if (!go.matches()) {
                System.err.println("malformed line: " + line + "; expected: go <id> <method> <url> <timeout_ms>");
                Runtime.getRuntime().halt(1);
            }
            exchange(client, go.group(1), go.group(2), URI.create(go.group(3)), Long.parseLong(go.group(4)));
        }
        // At once: open requests and the clients' threads are not waited for.
        Runtime.getRuntime().halt(0);
    }

    private static void exchange(Client client, String id, String method, URI uri, long timeout) {
        long start = System.nanoTime();
        CompletableFuture<?> exchange;
        try {
            exchange = client.start(method, uri, Duration.ofMillis(timeout));
        } catch (Exception error) {
            exchange = CompletableFuture.failedFuture(error);
        }
        exchange.whenComplete((nothing, error) -> {
            long took = (System.nanoTime() - start) / 1000;
            // The JDK's own timers may be up to a millisecond early.
            if (took >= (error == null ? timeout : timeout - 1) * 1000) {
                say("done " + id + " timeout " + took);
            } else if (error != null) {
                say("done " + id + " error " + took + " " + told(error).replaceAll("\\s+", " "));
            } else {
                say("done " + id + " ok " + took);
            }
        });
    }

    /** What a request of this method carries: a POST is an empty gRPC call. Its headers are GRPC and, over HTTP/2, te: trailers. */
    static byte[] body(String method) {
        return method.equals("POST") ? new byte[5] : new byte[0];
    }

    /** A response that has arrived whole is worth no more than its version and its status. */
    static void judge(boolean h2, int status) {
        if (h2 != H2) throw new IllegalStateException(h2 ? "answered in HTTP/2" : "answered in HTTP/1");
        if (status / 100 != 2) throw new IllegalStateException("status " + status);
    }

    /** What trusts the lab's authority and nobody else. */
    static TrustManagerFactory trust() throws Exception {
        var store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (var pem = new FileInputStream(System.getenv("NETSPLIT_CA"))) {
            for (var authority : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
                store.setCertificateEntry("netsplit" + store.size(), authority);
            }
        }
        if (store.size() == 0) throw new IOException("NETSPLIT_CA: no certificate in it");
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        return trust;
    }

    static SSLContext tls(TrustManagerFactory trust) throws Exception {
        var context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    /** The version that a library's own jar states. */
    static String version(Class<?> of) {
        String path = of.getProtectionDomain().getCodeSource().getLocation().getPath();
        return path.substring(path.lastIndexOf('/') + 1).replaceFirst("\\.jar$", "").replaceFirst("-(?=\\d)", " ");
    }

    private static String told(Throwable error) {
        boolean wrapper = error instanceof CompletionException || error instanceof ExecutionException;
        return wrapper && error.getCause() != null ? told(error.getCause()) : error.toString();
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
