#!/usr/bin/env python3
"""Runs one row of the test programs that cargo has built, one program after the other.

usage: tests.py BUILT alone|prompt|stories|units ARGUMENT…
BUILT: what `cargo test --no-run --message-format=json` said. The arguments go to each program.

Cargo itself would run all of them in one row, and build anew where only some packages are named.
"""
import json
import os
import subprocess
import sys


# Tests of `world` that hold a door or a reader to milliseconds: whatever runs beside them would be measured, too.
ALONE = ["threats::parsing::t23_", "threats::parsing::t37_", "threats::slow::t16_", "threats::slow::t17_ten_", "threats::untaken::"]
# Those that have its parts for themselves, to kill or to freeze them or to see how prompt a door is with them.
PROMPT = ["crash::", "interrupted::", "threats::faults::", "threats::flood::", "threats::rolling::"]
# Of each row the tests by name, of `world` only, and those that another row has.
ROWS = {"alone": (ALONE, []), "prompt": (PROMPT, ALONE), "stories": ([], ALONE + PROMPT), "units": ([], [])}


def programs(built):
    """The test programs in the order of their packages, and the folder in which cargo would run each."""
    found = []
    with open(built, encoding="utf-8") as lines:
        for line in lines:
            said = json.loads(line)
            if said.get("reason") == "compiler-artifact" and said["profile"]["test"] and said["executable"]:
                target = said["target"]
                found.append((os.path.dirname(said["manifest_path"]), target["kind"][0], target["name"], said["executable"]))
    return sorted(found)


def check(program, names):
    """A test that has another name by now would run in another row, and fail there once in a while."""
    known = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
    strangers = [name for name in names if name not in known]
    if strangers:
        sys.exit(f"tests.py: no test of world is named {', '.join(strangers)}: mend the lists at the top")


def main():
    built, row, *arguments = sys.argv[1:]
    names, skipped = ROWS[row]
    chosen = [one for one in programs(built) if (one[1] == "test") == (row != "units") and (one[2] == "world" or not names)]
    arguments += names + [word for name in skipped for word in ("--skip", name)]
    failed = []
    for folder, kind, name, program in chosen:
        print(f"\n== {name} ({kind})", flush=True)
        check(program, names)
        if subprocess.run([program, *arguments], cwd=folder).returncode != 0:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", flush=True)
    # Nothing to run is no success.
    sys.exit(1 if failed or not chosen else 0)


main()
