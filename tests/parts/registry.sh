#!/usr/bin/env bash
# Apicurio Registry with its Confluent API. It keeps everything in memory: after a restart it is empty, and ids start
# over. 2.6 is the last line that runs on Java 17.
set -euo pipefail
PART=registry
. "$(dirname "$0")/process.sh"
. "$HERE/cache.sh"

VERSION=2.6.13.Final
DIR=registry-$VERSION
JAVA=${JAVA_HOME:+$JAVA_HOME/bin/}java

fill() {
  maven org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -DoutputDirectory="$1" \
    -Dartifact="io.apicurio:apicurio-registry-app:$VERSION:tar.gz:all"
  tar xzf "$1/apicurio-registry-app-$VERSION-all.tar.gz" -C "$1"
  rm "$1/apicurio-registry-app-$VERSION-all.tar.gz"
}

fetch() { cached "$DIR" fill; }

answers() { curl -sf --noproxy '*' -m 2 -o /dev/null "http://127.0.0.1:$registry_port/apis/ccompat/v7/subjects"; }

launch_and_wait() {
  mkdir -p "$WORK/registry/tmp"
  launch "$JAVA" -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir="$WORK/registry/tmp" \
    -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$registry_port" \
    -jar "$CACHE/$DIR/apicurio-registry-app-$VERSION-runner.jar"
  wait_for 90 "200 from /apis/ccompat/v7/subjects" answers
}

verb "$@"
