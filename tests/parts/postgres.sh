#!/usr/bin/env bash
# PostgreSQL of the distribution: one cluster of our own with fsync, checksums, scram and TLS, as in production.
set -euo pipefail
PART=postgres
. "$(dirname "$0")/process.sh"

HOME_DIR=$WORK/postgres
DATA=$HOME_DIR/data
# SIGINT is the server's "fast" shutdown; SIGTERM would wait for every client to leave.
STOP_SIGNAL=INT

# The newest server that is installed; folders without initdb hold clients only.
BIN=$(dirname "$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)")
[[ -x $BIN/initdb ]] || BIN=$(dirname "$(command -v initdb)")

# The server refuses to be root.
as_owner() {
  if ((EUID == 0)); then
    (cd "$HOME_DIR" && setpriv --reuid=postgres --regid=postgres --init-groups "$@")
  else
    (cd "$HOME_DIR" && "$@")
  fi
}

# pg_ctl starts the server, which writes its number itself. The file outlives a kill; a process that works in our folder
# is ours.
pid() {
  local number
  read -r number 2>/dev/null <"$DATA/postmaster.pid" || return 1
  [[ $(readlink "/proc/$number/cwd") == "$DATA" ]] && printf '%s\n' "$number"
}

fetch() { [[ -x $BIN/initdb ]] || fail "no initdb: run tests/parts/setup.sh test"; }

configure() {
  mkdir -p "$HOME_DIR"
  cp "$WORK/postgres-password" "$HOME_DIR/password"
  cp "$WORK/tls/server.crt" "$WORK/tls/server.key" "$HOME_DIR"
  touch "$LOG"
  chmod 700 "$HOME_DIR"
  chmod 600 "$HOME_DIR"/*
  ((EUID != 0)) || chown -R postgres:postgres "$HOME_DIR" "$LOG"
  as_owner "$BIN/initdb" -D "$DATA" -U postgres --pwfile="$HOME_DIR/password" --auth=scram-sha-256 \
    --data-checksums --encoding=UTF8 --locale=C.UTF-8 >>"$LOG" 2>&1 || fail "initdb did not succeed"
  cat >>"$DATA/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $postgres_port
unix_socket_directories = '$HOME_DIR'
ssl = on
ssl_cert_file = '$HOME_DIR/server.crt'
ssl_key_file = '$HOME_DIR/server.key'
password_encryption = 'scram-sha-256'
fsync = on
synchronous_commit = on
shared_buffers = 128MB
max_connections = 300
# By default every GB that is written begins a checkpoint, and each makes every page be written whole once more.
max_wal_size = 4GB
checkpoint_timeout = 15min
CONF
  # Base backups come by the second of the two: `all` is no replication.
  printf '%s\n' 'local all all scram-sha-256' 'hostssl all,replication all 127.0.0.1/32 scram-sha-256' >"$DATA/pg_hba.conf"
}

launch_and_wait() {
  local end=$((SECONDS + 30))
  if [[ ! -d $DATA ]]; then configure; fi
  # Killed, the server leaves children that need a moment to go; until then the next one is refused.
  until as_owner "$BIN/pg_ctl" -D "$DATA" -l "$LOG" -w -t 30 start </dev/null >>"$LOG" 2>&1; do
    ((SECONDS < end)) || fail "waited 30 s for pg_ctl to start it"
    sleep 0.3
  done
}

verb "$@"
