#!/usr/bin/env python3
"""Chooses the few inputs that together reach most, from the control file of a libFuzzer merge.

usage: cover.py CONTROL_FILE NUMBER DESTINATION
"""

import shutil
import sys
from pathlib import Path


def read(control: Path) -> dict[Path, set[str]]:
    """What each input reaches: after two counts come the names, then what was met by each, by its number."""
    lines = control.read_text().splitlines()
    count = int(lines[0])
    names = [Path(line) for line in lines[2 : 2 + count]]
    reached: dict[Path, set[str]] = {}
    for line in lines[2 + count :]:
        words = line.split()
        if words and words[0] in ("FT", "COV"):
            met = {words[0] + word for word in words[2:]}
            reached.setdefault(names[int(words[1])], set()).update(met)
    return reached


def choose(reached: dict[Path, set[str]], number: int) -> list[Path]:
    """The one that adds most comes next; of equals the shortest."""
    chosen: list[Path] = []
    seen: set[str] = set()
    size = {name: name.stat().st_size for name in reached}
    while len(chosen) < number:
        best = max(reached, key=lambda name: (len(reached[name] - seen), -size[name]), default=None)
        if best is None or not reached[best] - seen:
            break
        chosen.append(best)
        seen |= reached.pop(best)
    return chosen


def main() -> None:
    """Copies the chosen ones."""
    control, number, destination = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    for place, name in enumerate(choose(read(control), number)):
        shutil.copyfile(name, destination / f"{place:02}-{name.name[:12]}")


main()
