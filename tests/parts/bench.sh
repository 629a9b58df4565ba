#!/usr/bin/env bash
# What `bench door` compares ours with: the load generator wrk, and a Java and a Go program that do the same bare work.
# usage: tests/parts/bench.sh [COMMAND ARGS…]
# Fetches and builds them once; then runs the command, which finds them by IDTRAIL_TEST_BENCH_WRK,
# IDTRAIL_TEST_BENCH_JAVA_CP and IDTRAIL_TEST_BENCH_GO. What cannot be had is said and left out.
set -euo pipefail
# shellcheck source=tests/parts/cache.sh
. "$(dirname "$0")/cache.sh"
BENCH=$(cd "$PARTS_SOURCE/../../bench" && pwd)

# Keyed by all that decides what comes out.
hash_of() { cat "$@" | sha256sum | cut -c1-10; }
JAVA_DIR=bench-java-$(hash_of "$PARTS_SOURCE/bench-pom.xml" "$BENCH/java/Door.java")
GO_DIR=bench-go-$(hash_of "$BENCH"/go/{main.go,go.mod,go.sum})
# A download that cannot be had is not had quickly.
PATIENCE=300

left_out() { printf 'bench: LEFT OUT %s: %s\n' "$1" "$2" >&2; }

# `exit`, because in a condition the shell would go on after a failure, and the folder would count as whole.
fill_java() {
  jars bench-pom.xml "$1/lib" || exit 1
  javac -cp "$1/lib/*" -d "$1/classes" "$BENCH/java/Door.java" >&2 || exit 1
}
fill_go() {
  (cd "$BENCH/go" && GOFLAGS=-mod=mod timeout "$PATIENCE" go build -trimpath -buildvcs=false -o "$1/door" .) >&2 || exit 1
}

# The package is small, and only this bench needs it, so it is not among those of setup.sh.
install_wrk() {
  local as_root=()
  ((EUID == 0)) || as_root=(sudo -n)
  command -v apt-get >/dev/null || return
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive sh -c \
    'apt-get -qq install -y --no-install-recommends wrk || { apt-get -qq update && apt-get -qq install -y --no-install-recommends wrk; }' \
    >&2
}

if command -v wrk >/dev/null || { install_wrk && command -v wrk >/dev/null; }; then
  IDTRAIL_TEST_BENCH_WRK=$(command -v wrk)
  export IDTRAIL_TEST_BENCH_WRK
else
  left_out wrk "install the package wrk of your distribution; without it the door is not measured"
fi
if cached "$JAVA_DIR" fill_java; then
  export IDTRAIL_TEST_BENCH_JAVA_CP="$CACHE/$JAVA_DIR/lib/*:$CACHE/$JAVA_DIR/classes"
else
  left_out Java "its jars cannot be had, or it does not compile (see above)"
fi
if [[ ! -f $CACHE/$GO_DIR/.whole ]] && ! command -v go >/dev/null; then
  left_out Go "no Go to build it with"
elif cached "$GO_DIR" fill_go; then
  export IDTRAIL_TEST_BENCH_GO=$CACHE/$GO_DIR/door
else
  left_out Go "it cannot be built (see above)"
fi

(($# == 0)) || exec "$@"
