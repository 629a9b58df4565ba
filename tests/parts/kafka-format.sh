# shellcheck shell=bash
# Sourced: Kafka's jars, and the folder that one of its nodes begins with. What is decided here decides the name of the
# cache, so that a change of it fills a new one.

DIR=kafka-4.3.1-$(key kafka-pom.xml kafka-format.sh)
JAVA=${JAVA_HOME:+$JAVA_HOME/bin/}java
# Who may log in at the secured listener. For SCRAM the formatted folder says so: told afterwards, a broker would need
# another Java, and seconds.
KAFKA_USER=ops
KAFKA_PASSWORD=kafka-ops-pw

# Formatting takes seconds and always gives the same, so the formatted folder is kept too. Any id does: no two
# clusters of ours ever meet.
fill() {
  local hash users=()
  jars kafka-pom.xml "$1/lib"
  for hash in 256 512; do
    users+=(--add-scram "SCRAM-SHA-$hash=[name=$KAFKA_USER,password=$KAFKA_PASSWORD]")
  done
  printf '%s\n' process.roles=broker,controller node.id=1 controller.quorum.voters=1@127.0.0.1:1 \
    listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1 controller.listener.names=CONTROLLER \
    listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT log.dirs="$1/formatted" >"$1/format.properties"
  "$JAVA" -cp "$1/lib/*" kafka.tools.StorageTool format -t AHHKoSQ3Tza7ymltSnnedA "${users[@]}" \
    -c "$1/format.properties" >"$1/format.log" 2>&1 || { cat "$1/format.log" >&2 && return 1; }
}
