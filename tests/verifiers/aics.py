"""Checks a tlog-tiles folder with aics-tlog: its command, once for each bundle of entries, in one interpreter.

usage: aics.py FOLDER VKEY SIZE [WITNESS_VKEY OLD_CHECKPOINT]

Its verify-inclusion compares the whole bundle in which the index stands with the tile over it, and that with its
parents; verify-checkpoint alone reads only the tiles that it needs. The last line is ACCEPT, or REJECT with the answer.
"""

import contextlib
import io
import json
import sys

from aics_tlog import cli

BUNDLE = 256


def refusal(*words):
    """What the command says when it refuses; nothing when it accepts."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = cli.main(list(words))
        except SystemExit as end:
            code = end.code
    answer = said.getvalue()
    try:
        accepted = code == 0 and json.loads(answer)["ok"] is True
    except (ValueError, KeyError):
        accepted = False
    return None if accepted else f"{words[0]} ended with {code}: {' '.join(answer.split())}"


def main():
    folder, key, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    witnessed = sys.argv[4:]
    origin = key.split("+", 1)[0]
    log = ["--log-key", key, "--origin", origin, "--tiles", folder]
    quorum = ["--witness-key", witnessed[0], "--quorum", "1"] if witnessed else []
    refused = refusal("verify-checkpoint", *log, *quorum)
    if witnessed:
        refused = refused or refusal("verify-consistency", *log, "--old-checkpoint", witnessed[1])
    for index in range(0, size, BUNDLE):
        refused = refused or refusal("verify-inclusion", *log, "--index", str(index))
    print(f"REJECT {refused}" if refused else f"ACCEPT {size}")
    sys.exit(1 if refused else 0)


main()
