#!/usr/bin/env bash
# Checks docker-compose.yml, deploy/ and the Dockerfile as far as that goes without a container engine: the model by the
# library that Docker Compose itself reads it with, our own rules by compose.py beside this.
set -euo pipefail
# shellcheck source=tests/parts/cache.sh
. "$(dirname "$0")/cache.sh"
cd "$PARTS_SOURCE/../.."

VERSION=v2.16.2
DIR=compose-go-$VERSION
# A module that is not to be had is not had quickly.
PATIENCE=300

# `exit`, because in a condition the shell would go on after a failure, and the folder would count as whole.
fill() {
  GOBIN=$1 timeout "$PATIENCE" go install "github.com/compose-spec/compose-go/v2/cmd@$VERSION" >"$CACHE/go.log" 2>&1 || exit 1
}

skip() { printf 'compose: SKIPPED the model of docker-compose.yml: %s\n' "$1" >&2; }

model=$(mktemp)
trap 'rm -f "$model"' EXIT
if [[ ! -f $CACHE/$DIR/.whole ]] && ! command -v go >/dev/null; then
  skip "no Go to build compose-go with"
elif ! cached "$DIR" fill; then
  skip "compose-go $VERSION cannot be built: $(tail -n 1 "$CACHE/go.log")"
else
  "$CACHE/$DIR/cmd" -format json docker-compose.yml >"$model" || { printf '\ncompose: the model is refused\n' >&2 && exit 1; }
fi

exec python3 tests/parts/compose.py "$model"
