"""Prints the first COUNT records of a topic: consumer.py BOOTSTRAP REGISTRY TOPIC COUNT"""
import json, sys
from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

bootstrap, registry, topic, count = sys.argv[1:]
decode = AvroDeserializer(SchemaRegistryClient({"url": registry}))
consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "first-look", "isolation.level": "read_committed",
                     "auto.offset.reset": "earliest", "enable.auto.commit": False})
consumer.subscribe([topic])
for _ in range(int(count)):
    while (record := consumer.poll(1.0)) is None:
        pass
    if record.error():
        sys.exit(str(record.error()))
    event = decode(record.value(), SerializationContext(topic, MessageField.VALUE))
    ce_id = dict(record.headers())["ce_id"].decode()
    print(json.dumps({"ce_id": ce_id, "key": record.key().decode(), "event": event}, default=str), flush=True)
consumer.close()
