#!/usr/bin/env bash
# One node of a Kafka cluster of three, each broker and controller: tests start them to take one or two away.
# usage: cluster.sh 1|2|3 start|stop|kill|pid
set -euo pipefail
NODE=${1:?the number of the node}
shift
PART=cluster-$NODE
. "$(dirname "$0")/process.sh"
. "$HERE/cache.sh"
. "$HERE/kafka-format.sh" # kafka.sh fills it

HOME_DIR=$WORK/cluster-$NODE.d

# All times are short, so that a loss is noticed within seconds. `cp` keeps the cluster's id and gives each node what
# was formatted once; only the node's own ids differ.
configure() {
  local port=cluster_${NODE}_port controller=cluster_controller_${NODE}_port
  mkdir -p "$HOME_DIR/tmp"
  cp -r "$CACHE/$DIR/formatted" "$HOME_DIR/data"
  sed -i -E "s/^node.id=.*/node.id=$NODE/; s/^(directory.id=.).(.*)/\1$NODE\2/" "$HOME_DIR/data/meta.properties"
  cat >"$HOME_DIR/server.properties" <<CONF
process.roles=broker,controller
node.id=$NODE
controller.quorum.voters=1@127.0.0.1:$cluster_controller_1_port,2@127.0.0.1:$cluster_controller_2_port,3@127.0.0.1:$cluster_controller_3_port
listeners=PLAINTEXT://127.0.0.1:${!port},CONTROLLER://127.0.0.1:${!controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=$HOME_DIR/data
auto.create.topics.enable=false
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions=3
log.cleaner.dedupe.buffer.size=4194304
message.max.bytes=2097152
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controller.quorum.fetch.timeout.ms=1000
controller.quorum.election.timeout.ms=500
replica.lag.time.max.ms=5000
CONF
  printf '%s\n' appender.c.type=Console appender.c.name=C appender.c.layout.type=PatternLayout \
    'appender.c.layout.pattern=[%d] %p %m (%c)%n' rootLogger.level=WARN rootLogger.appenderRef.c.ref=C \
    logger.s.name=kafka.server.KafkaRaftServer logger.s.level=INFO >"$HOME_DIR/log4j2.properties"
}

fetch() { :; }

# Takes as long as a majority takes: who wants the cluster starts all three at the same time.
launch_and_wait() {
  if [[ ! -f $HOME_DIR/server.properties ]]; then configure; fi
  launch "$JAVA" -Xms64m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir="$HOME_DIR/tmp" \
    -Dlog4j2.configurationFile="file:$HOME_DIR/log4j2.properties" \
    -cp "$CACHE/$DIR/lib/*" kafka.Kafka "$HOME_DIR/server.properties"
  wait_for 90 "the line 'Kafka Server started' in its log" logged 'Kafka Server started'
}

verb "$@"
