#!/usr/bin/env bash
# Prints where promtool is, Prometheus' own reader of rules. Where it is not installed and Debian's package can be had,
# that is unpacked without root; where it cannot, the line to run is printed and the exit code is 1.
set -euo pipefail
. "$(dirname "$0")/cache.sh"

if command -v promtool; then exit; fi

DIR=promtool
fill() {
  cd "$1"
  apt-get download prometheus || exit 1
  dpkg -x prometheus_*.deb . && rm prometheus_*.deb
  # The server itself is not needed.
  rm usr/bin/prometheus
  usr/bin/promtool --version || exit 1
}
mkdir -p "$CACHE"
if ! cached "$DIR" fill >"$CACHE/promtool.log" 2>&1; then
  echo 'promtool: it is missing; run: apt-get install -y --no-install-recommends prometheus' >&2
  exit 1
fi
echo "$CACHE/$DIR/usr/bin/promtool"
