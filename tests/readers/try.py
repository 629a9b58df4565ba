"""Writes the examples of schemas/ into topics of their own, reads them with both consumers, and compares.

tests/run --parts kafka,registry -- sh -c '"$IDTRAIL_TEST_PYTHON" tests/readers/try.py'
"""
import datetime
import json
import os
import pathlib
import struct
import subprocess
import sys
import urllib.request
import uuid

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

HERE = pathlib.Path(__file__).resolve().parent
SCHEMAS = HERE.parents[1] / "schemas"
KAFKA, REGISTRY = os.environ["IDTRAIL_TEST_KAFKA"], os.environ["IDTRAIL_TEST_REGISTRY"]
REGISTRY_V2 = REGISTRY.replace("/apis/ccompat/v7", "/apis/registry/v2")
READERS = {
    "python": [sys.executable, HERE / "consumer.py", KAFKA, REGISTRY],
    "java": ["java", "-cp", os.environ["IDTRAIL_TEST_JAVA_CP"], HERE / "Follow.java", KAFKA, REGISTRY_V2],
}
# A JVM and a first group join beside a busy build; a reader that waits for a record that never comes is ended by it.
PATIENCE = 120


def call(method, path, body):
    """Asks the registry's Confluent API."""
    request = urllib.request.Request(REGISTRY + path, json.dumps(body).encode(), method=method,
                                     headers={"content-type": "application/vnd.schemaregistry.v1+json"})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=30) as answer:
        return json.load(answer)


def kept(event):
    """The last version of a contract, and its examples: datum (as Rust wrote it) and JSON."""
    versions = (SCHEMAS / "avro/versions").glob(f"{event}.v*.avsc")
    last = max(versions, key=lambda file: int(file.stem.partition(".v")[2]))
    lines = [line.split() for line in last.with_suffix(".hex").read_text().splitlines()]
    example = lambda name: json.loads((SCHEMAS / f"examples/{event}/{name}.json").read_text())
    return last.read_text(), [(bytes.fromhex(datum), example(name)) for name, datum in lines]


def plain(schema, value):
    """A value with its times and dates as numbers, whoever printed it."""
    if isinstance(schema, list):
        return None if value is None else plain(schema[1], value)
    if isinstance(schema, str):
        return value
    kind = schema.get("logicalType", schema["type"])
    if kind == "record":
        assert value.keys() == {field["name"] for field in schema["fields"]}, value.keys()
        return {field["name"]: plain(field["type"], value[field["name"]]) for field in schema["fields"]}
    if kind == "array":
        return [plain(schema["items"], item) for item in value]
    if kind == "timestamp-micros" and isinstance(value, str):
        time = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        return (time - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(microseconds=1)
    if kind == "date" and isinstance(value, str):
        return (datetime.date.fromisoformat(value) - datetime.date(1970, 1, 1)).days
    return value


def write(topic, schema, examples):
    """Writes all of them twice: taken back, which nobody may see, and committed."""
    registered = call("POST", f"/subjects/{topic}-value/versions", {"schema": schema})["id"]
    # Kept until the answer is there: with it goes its connection.
    admin = AdminClient({"bootstrap.servers": KAFKA})
    admin.create_topics([NewTopic(topic, 3, 1)])[topic].result()
    producer = Producer({"bootstrap.servers": KAFKA, "transactional.id": topic})
    producer.init_transactions()
    for end in (producer.abort_transaction, producer.commit_transaction):
        producer.begin_transaction()
        for number, (datum, _) in enumerate(examples):
            name = f"{end.__name__} {number}"
            producer.produce(topic, b"\0" + struct.pack(">I", registered) + datum, key=name, headers={"ce_id": name})
        producer.flush()
        end()


def check(reader, topic, schema, examples):
    command = [*READERS[reader], topic, str(len(examples))]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=PATIENCE).stdout
    records = [json.loads(line) for line in printed.splitlines()]
    expected = {f"commit_transaction {number}": plain(schema, example) for number, (_, example) in enumerate(examples)}
    assert {record["ce_id"]: plain(schema, record["event"]) for record in records} == expected, (reader, topic)
    assert all(record["ce_id"] == record["key"] for record in records), (reader, topic)
    print(f"{reader} read {len(records)} records of {topic}")


prefix = f"readers-{uuid.uuid4().hex[:8]}"
for event in ("checked", "enriched", "notified", "audited", "rejected", "operated"):
    schema, examples = kept(event)
    write(f"{prefix}.{event}", schema, examples)
    for reader in READERS:
        check(reader, f"{prefix}.{event}", json.loads(schema), examples)
