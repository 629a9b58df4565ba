#!/usr/bin/env bash
# Prints where HAProxy is. Where it is not installed and Debian's packages can be had, they are unpacked without root;
# where they cannot, the line to run is printed and the exit code is 1. The test writes its settings and starts it.
set -euo pipefail
. "$(dirname "$0")/cache.sh"

for program in "$(command -v haproxy || true)" /usr/sbin/haproxy; do
  if [[ -x $program ]]; then echo "$program" && exit; fi
done

DIR=haproxy
# Its own libraries too, which nothing else brings; found through the program that is written beside them.
fill() {
  cd "$1"
  apt-get download haproxy liblua5.3-0 libopentracing1 libopentracing-c-wrapper0 || exit 1
  local package
  for package in *.deb; do dpkg -x "$package" . && rm "$package"; done
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' "$(dirname "$(find "$1" -name 'liblua5.3.so.0')")" \
    "$1/usr/sbin/haproxy" >haproxy
  chmod +x haproxy
  # Where a library is missing it does not even tell its version.
  ./haproxy -v || exit 1
}
mkdir -p "$CACHE"
if ! cached "$DIR" fill >"$CACHE/haproxy.log" 2>&1; then
  echo 'haproxy: it is missing; run: apt-get install -y --no-install-recommends haproxy' >&2
  exit 1
fi
echo "$CACHE/$DIR/haproxy"
