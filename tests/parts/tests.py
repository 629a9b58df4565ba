#!/usr/bin/env python3
"""Runs the test programs that cargo has built, one after the other: `world` alone, or all others.

usage: tests.py BUILT world|others ARGUMENT…
BUILT: what `cargo test --no-run --message-format=json` said. The arguments go to each program.

Cargo itself would run all of them in one row, and build anew where only some packages are named.
"""
import json
import os
import subprocess
import sys


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


def main():
    built, which, *arguments = sys.argv[1:]
    failed = []
    chosen = [one for one in programs(built) if (one[2] == "world") == (which == "world")]
    for folder, kind, name, program in chosen:
        print(f"\n== {name} ({kind})", flush=True)
        if subprocess.run([program, *arguments], cwd=folder).returncode != 0:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", flush=True)
    # Nothing to run is no success.
    sys.exit(1 if failed or not chosen else 0)


main()
