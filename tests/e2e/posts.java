// A client by the JDK's own library: many POSTs to /run/N at once over HTTP/2. Prints a line for
// each, with the status or 0 and the reason. Every certificate is accepted.
//
//   java posts.java https://127.0.0.1:PORT COUNT
import java.lang.ref.Reference;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

class Posts {
    static class TrustingAll extends X509ExtendedTrustManager {
        public void checkClientTrusted(X509Certificate[] c, String a) {}
        public void checkServerTrusted(X509Certificate[] c, String a) {}
        public void checkClientTrusted(X509Certificate[] c, String a, Socket s) {}
        public void checkServerTrusted(X509Certificate[] c, String a, Socket s) {}
        public void checkClientTrusted(X509Certificate[] c, String a, SSLEngine e) {}
        public void checkServerTrusted(X509Certificate[] c, String a, SSLEngine e) {}
        public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    }

    static String outcome(HttpResponse<Void> response, Throwable failure) {
        return failure != null ? "0 " + failure : response.statusCode() + " " + response.version();
    }

    public static void main(String[] arguments) throws Exception {
        String base = arguments[0];
        int count = Integer.parseInt(arguments[1]);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, new TrustManager[] {new TrustingAll()}, new SecureRandom());
        HttpClient client = HttpClient.newBuilder().sslContext(tls).build();
        CompletableFuture<?>[] all = new CompletableFuture<?>[count];
        for (int i = 0; i < count; ++i) {
            String path = "/run/" + i;
            HttpRequest request = HttpRequest.newBuilder(URI.create(base + path))
                .POST(HttpRequest.BodyPublishers.ofString("x")).build();
            all[i] = client.sendAsync(request, HttpResponse.BodyHandlers.discarding())
                .handle((response, failure) -> {
                    System.out.println(path + " " + outcome(response, failure));
                    return null;
                });
        }
        CompletableFuture.allOf(all).join();
        // A client that nothing refers to any more may be closed before its requests have left.
        Reference.reachabilityFence(client);
    }
}
