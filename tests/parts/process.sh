# shellcheck shell=bash
# Sourced by each part: one server process with its pid file, its log and waits that end.
# A part names itself in PART and writes the functions `fetch` and `launch_and_wait`; `verb` at the end does the rest.

WORK=${IDTRAIL_TEST_PARTS:?is set by tests/run}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LOG=$WORK/$PART.log
PID_FILE=$WORK/$PART.pid
LOG_START=0 # bytes of the log that earlier starts wrote
# shellcheck source=/dev/null
. "$WORK/ports"

fail() {
  printf '%s: %s; the end of its log:\n' "$PART" "$*" >&2
  tail -n 30 "$LOG" >&2 2>/dev/null || true
  exit 1
}

# A number alone is not a process: it may be given out again, and a killed process stays behind as a zombie where
# nobody reaps it. So the start time goes with it, and a zombie counts as gone.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

record_pid() { printf '%s %s\n' "$1" "$(start_time "$1")" >"$PID_FILE"; }

pid() {
  local number since
  read -r number since 2>/dev/null <"$PID_FILE" || return 1
  [[ -n $since && $(start_time "$number") == "$since" ]] && printf '%s\n' "$number"
}

alive() { pid >/dev/null; }

# In its own session, so that Ctrl-C reaches it only through tests/run; without our output, so that who reads ours to
# its end need not wait for the server's.
launch() {
  touch "$LOG"
  LOG_START=$(stat -c %s "$LOG")
  # A session of its own, with our nice: where the kernel shares the CPU by sessions (autogroup), that of a process counts
  # within its session only.
  setsid bash -c '{ nice >/proc/self/autogroup; } 2>/dev/null; exec "$@"' part "$@" </dev/null >>"$LOG" 2>&1 &
  record_pid $!
}

logged() { tail -c "+$((LOG_START + 1))" "$LOG" | grep -q -- "$1"; }

# wait_for SECONDS WHAT COMMAND…: until it succeeds; a server that has died is not waited for.
wait_for() {
  local seconds=$1 what=$2 end=$((SECONDS + $1))
  shift 2
  until "$@"; do
    alive || fail "it ended before: $what"
    ((SECONDS < end)) || fail "waited $seconds s for: $what"
    sleep 0.1
  done
}

# end_with SIGNAL SECONDS: true once it is gone.
end_with() {
  local number end=$((SECONDS + $2))
  number=$(pid) || return 0
  kill "-$1" "$number" 2>/dev/null || true
  while alive; do
    ((SECONDS < end)) || return 1
    sleep 0.05
  done
}

stop() { end_with "${STOP_SIGNAL:-TERM}" 20 || end_with KILL 10 || fail "it cannot be killed"; }

verb() {
  case ${1:-} in
    fetch) fetch ;;
    start) if ! alive; then launch_and_wait; fi ;;
    stop) stop ;;
    kill) end_with KILL 10 || fail "it cannot be killed" ;;
    pid) pid ;;
    *) printf 'usage: %s fetch|start|stop|kill|pid\n' "$0" >&2 && exit 2 ;;
  esac
}
