#!/usr/bin/env bash
# Apache Kafka in KRaft mode: one node that is broker and controller.
set -euo pipefail
PART=kafka
. "$(dirname "$0")/process.sh"
. "$HERE/cache.sh"
. "$HERE/kafka-format.sh"

HOME_DIR=$WORK/kafka

fetch() { cached "$DIR" fill; }

configure() {
  local security=org.apache.kafka.common.security
  mkdir -p "$HOME_DIR/tmp"
  cp -r "$CACHE/$DIR/formatted" "$HOME_DIR/data"
  (umask 077 && cat "$WORK"/tls/server.{key,crt} >"$HOME_DIR/server.pem" && echo "$KAFKA_PASSWORD" >"$WORK/kafka-password")
  # FAULTY is had only through a port on which a test may put a proxy: what is advertised is where clients go on to.
  # SECURED is as production has it: TLS, and nobody without a login.
  # The cleaner's buffer is 128 MB of heap by default. A killed broker stays registered until its session ends, and its
  # next life waits for that: with the default of 9 s each crash test would.
  cat >"$HOME_DIR/server.properties" <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$kafka_controller_port
listeners=PLAINTEXT://127.0.0.1:$kafka_port,FAULTY://127.0.0.1:$kafka_behind_port,SECURED://127.0.0.1:$kafka_secured_port,CONTROLLER://127.0.0.1:$kafka_controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$kafka_port,FAULTY://127.0.0.1:$kafka_faulty_port,SECURED://127.0.0.1:$kafka_secured_port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,FAULTY:PLAINTEXT,SECURED:SASL_SSL,CONTROLLER:PLAINTEXT
listener.name.secured.ssl.keystore.type=PEM
listener.name.secured.ssl.keystore.location=$HOME_DIR/server.pem
listener.name.secured.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.secured.plain.sasl.jaas.config=$security.plain.PlainLoginModule required user_$KAFKA_USER="$KAFKA_PASSWORD";
listener.name.secured.scram-sha-256.sasl.jaas.config=$security.scram.ScramLoginModule required;
listener.name.secured.scram-sha-512.sasl.jaas.config=$security.scram.ScramLoginModule required;
controller.listener.names=CONTROLLER
log.dirs=$HOME_DIR/data
auto.create.topics.enable=false
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=8388608
message.max.bytes=2097152
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
CONF
  printf '%s\n' appender.c.type=Console appender.c.name=C appender.c.layout.type=PatternLayout \
    'appender.c.layout.pattern=[%d] %p %m (%c)%n' rootLogger.level=WARN rootLogger.appenderRef.c.ref=C \
    logger.s.name=kafka.server.KafkaRaftServer logger.s.level=INFO >"$HOME_DIR/log4j2.properties"
}

# The log line comes when the broker is registered and takes requests; a connection alone is taken a little earlier.
launch_and_wait() {
  if [[ ! -f $HOME_DIR/server.properties ]]; then configure; fi
  # Who measures wants the compiler that takes its time; in short runs it takes more than it gives.
  local compiler=()
  [[ ${IDTRAIL_QUICK_JVM:-} != 1 ]] || compiler=(-XX:TieredStopAtLevel=1)
  launch "$JAVA" -Xms256m -Xmx512m -XX:+UseSerialGC "${compiler[@]}" -Djava.io.tmpdir="$HOME_DIR/tmp" \
    -Dlog4j2.configurationFile="file:$HOME_DIR/log4j2.properties" \
    -cp "$CACHE/$DIR/lib/*" kafka.Kafka "$HOME_DIR/server.properties"
  wait_for 90 "the line 'Kafka Server started' in its log" logged 'Kafka Server started'
}

verb "$@"
