// Prints the first COUNT records of a topic: java -cp CLASSES Follow.java BOOTSTRAP REGISTRY_V2 TOPIC COUNT
import java.time.Duration;
import java.util.*;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;

class Follow {
    public static void main(String[] args) {
        Map<String, Object> settings = Map.of(
            "bootstrap.servers", args[0], "group.id", "first-look", "isolation.level", "read_committed",
            "auto.offset.reset", "earliest", "enable.auto.commit", "false",
            "key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer",
            "value.deserializer", "io.apicurio.registry.serde.avro.AvroKafkaDeserializer",
            "apicurio.registry.url", args[1], "apicurio.registry.use-id", "contentId",
            "apicurio.registry.id-handler", "io.apicurio.registry.serde.Legacy4ByteIdHandler");
        try (var consumer = new KafkaConsumer<String, GenericRecord>(settings)) {
            consumer.subscribe(List.of(args[2]));
            for (int left = Integer.parseInt(args[3]); left > 0; ) {
                for (var record : consumer.poll(Duration.ofSeconds(1))) {
                    if (left-- <= 0) break;
                    var ceId = new String(record.headers().lastHeader("ce_id").value());
                    System.out.printf("{\"ce_id\": \"%s\", \"key\": \"%s\", \"event\": %s}%n", ceId, record.key(), record.value());
                }
            }
        }
    }
}
