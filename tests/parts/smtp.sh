#!/usr/bin/env bash
# A mail server in Python: one listener that insists on STARTTLS and a login, one open one for load.
set -euo pipefail
PART=smtp
. "$(dirname "$0")/process.sh"
. "$HERE/cache.sh"

fetch() { fetch_python; }

launch_and_wait() {
  launch "$CACHE/$PYTHON_DIR/bin/python" "$HERE/smtp.py" --maildir "$WORK/maildir" \
    --port "$smtp_port" --plain-port "$smtp_plain_port" --cert "$WORK/tls/server.crt" --key "$WORK/tls/server.key" \
    --user ops --password-file "$WORK/smtp-password"
  wait_for 30 "the line 'ready' in its log" logged '^ready$'
}

verb "$@"
