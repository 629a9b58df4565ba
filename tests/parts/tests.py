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


# By program, the tests that hold a door or a reader to milliseconds: whatever runs beside them would be measured, too.
ALONE = {
    "world": ["threats::parsing::t23_", "threats::parsing::t37_", "threats::slow::t16_", "threats::slow::t17_ten_", "threats::untaken::"],
    "ingest": ["durable::tests::a_hanging_broker_costs_"],
}
# Those that have its parts for themselves, to kill or to freeze them or to see how prompt a door is with them.
PROMPT = {"world": ["crash::", "interrupted::", "threats::faults::", "threats::flood::", "threats::rolling::"]}
# Of each row the tests by name, where not all; those that other rows have; whether it is that of unit tests, where that matters.
ROWS = {"alone": (ALONE, [], None), "prompt": (PROMPT, [ALONE], None), "stories": (None, [ALONE, PROMPT], False), "units": (None, [ALONE], True)}


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
        sys.exit(f"tests.py: no test of {program} is named {', '.join(strangers)}: mend the lists at the top")


def main():
    built, row, *arguments = sys.argv[1:]
    wanted, others, units = ROWS[row]
    failed, ran = [], False
    for folder, kind, name, program in programs(built):
        if (units is not None and units != (kind != "test")) or (wanted is not None and name not in wanted):
            continue
        names, skipped = (wanted or {}).get(name, []), [one for other in others for one in other.get(name, [])]
        print(f"\n== {name} ({kind})", flush=True)
        check(program, names + skipped)
        chosen = names + [word for one in skipped for word in ("--skip", one)]
        ran = True
        if subprocess.run([program, *arguments, *chosen], cwd=folder).returncode != 0:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", flush=True)
    # Nothing to run is no success.
    sys.exit(1 if failed or not ran else 0)


main()
