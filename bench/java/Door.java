// The Java contestant of `bench door`: Vert.x and kafka-clients, and no check at all.
// usage: Door LISTEN BOOTSTRAP TOPIC [DEADLINE_MS]

import io.vertx.core.Context;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public final class Door extends VerticleBase {
  private final String host;
  private final int port;
  private final KafkaProducer<byte[], byte[]> producer;
  private final String topic;

  private Door(String listen, KafkaProducer<byte[], byte[]> producer, String topic) {
    int colon = listen.lastIndexOf(':');
    this.host = listen.substring(0, colon);
    this.port = Integer.parseInt(listen.substring(colon + 1));
    this.producer = producer;
    this.topic = topic;
  }

  @Override
  public Future<?> start() {
    return vertx.createHttpServer().requestHandler(this::take).listen(port, host);
  }

  private void take(HttpServerRequest request) {
    Context loop = vertx.getOrCreateContext();
    request.bodyHandler((Buffer body) -> producer.send(new ProducerRecord<>(topic, body.getBytes()), (where, error) ->
        loop.runOnContext(now -> request.response().setStatusCode(error == null ? 200 : 503).end())));
  }

  public static void main(String[] arguments) {
    if (arguments.length < 3) {
      System.err.println("usage: Door LISTEN BOOTSTRAP TOPIC [DEADLINE_MS]");
      System.exit(2);
    }
    Map<String, Object> settings = new HashMap<>();
    settings.put("bootstrap.servers", arguments[1]);
    settings.put("acks", "all");
    settings.put("enable.idempotence", true);
    // Its default waits 5 ms for company, which a single connection would only feel.
    settings.put("linger.ms", 0);
    // Its default holds four of our bodies; the other clients send far more at once.
    settings.put("batch.size", 128 << 10);
    if (arguments.length > 3) {
      int deadline = Integer.parseInt(arguments[3]);
      settings.put("delivery.timeout.ms", deadline);
      settings.put("request.timeout.ms", deadline - 100);
      settings.put("max.block.ms", deadline);
    }
    ByteArraySerializer bytes = new ByteArraySerializer();
    KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings, bytes, bytes);
    // Asked for by the first post, it would block the loop that took it.
    producer.partitionsFor(arguments[2]);
    Vertx vertx = Vertx.vertx(new VertxOptions().setPreferNativeTransport(true));
    DeploymentOptions loops = new DeploymentOptions().setInstances(Runtime.getRuntime().availableProcessors());
    vertx.deployVerticle(() -> new Door(arguments[0], producer, arguments[2]), loops).onFailure(error -> {
      System.err.println(error);
      System.exit(1);
    });
  }
}
