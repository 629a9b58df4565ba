#!/usr/bin/env bash
# Apache Kafka in KRaft mode: one node that is broker and controller.
set -euo pipefail
PART=kafka
. "$(dirname "$0")/process.sh"
. "$HERE/cache.sh"

DIR=kafka-4.3.1-$(key kafka-pom.xml)
HOME_DIR=$WORK/kafka
JAVA=${JAVA_HOME:+$JAVA_HOME/bin/}java

# Formatting takes seconds and always gives the same, so the formatted folder is kept too. Any id does: no two
# clusters of ours ever meet.
fill() {
  jars kafka-pom.xml "$1/lib"
  printf '%s\n' process.roles=broker,controller node.id=1 controller.quorum.voters=1@127.0.0.1:1 \
    listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1 controller.listener.names=CONTROLLER \
    listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT log.dirs="$1/formatted" >"$1/format.properties"
  "$JAVA" -cp "$1/lib/*" kafka.tools.StorageTool format -t AHHKoSQ3Tza7ymltSnnedA \
    -c "$1/format.properties" >"$1/format.log" 2>&1 || { cat "$1/format.log" >&2 && return 1; }
}

fetch() { cached "$DIR" fill; }

configure() {
  mkdir -p "$HOME_DIR/tmp"
  cp -r "$CACHE/$DIR/formatted" "$HOME_DIR/data"
  # FAULTY is had only through a port on which a test may put a proxy: what is advertised is where clients go on to.
  # The cleaner's buffer is 128 MB of heap by default. A killed broker stays registered until its session ends, and its
  # next life waits for that: with the default of 9 s each crash test would.
  cat >"$HOME_DIR/server.properties" <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$kafka_controller_port
listeners=PLAINTEXT://127.0.0.1:$kafka_port,FAULTY://127.0.0.1:$kafka_behind_port,CONTROLLER://127.0.0.1:$kafka_controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$kafka_port,FAULTY://127.0.0.1:$kafka_faulty_port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,FAULTY:PLAINTEXT,CONTROLLER:PLAINTEXT
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
  launch "$JAVA" -Xms256m -Xmx512m -XX:+UseSerialGC -Djava.io.tmpdir="$HOME_DIR/tmp" \
    -Dlog4j2.configurationFile="file:$HOME_DIR/log4j2.properties" \
    -cp "$CACHE/$DIR/lib/*" kafka.Kafka "$HOME_DIR/server.properties"
  wait_for 90 "the line 'Kafka Server started' in its log" logged 'Kafka Server started'
}

verb "$@"
