"""Holds Cargo.lock against deny.toml without network: sources, and crates that are banned or have one allowed user.

A lock file also names what no build of ours compiles (optional crates of other features and platforms). So a banned
name in it is only a suspicion, and `cargo tree` tells whether the crate is in the build, and who pulls it in.
"""

import pathlib
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def users(package: dict) -> list[str] | None:
    """Who depends on the package directly in what is built, or None where it is not built."""
    spec = f"{package['name']}@{package['version']}"
    command = ["cargo", "tree", "--workspace", "--all-features", "--locked", "--offline", "--edges", "normal,build,dev"]
    command += ["--prefix", "depth", "--depth", "1", "--format", " {p}", "--invert", spec]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if answer.returncode != 0:
        sys.exit(f"deny: {' '.join(command)}: {answer.stderr.strip()}")
    lines = [line.split() for line in answer.stdout.splitlines() if line.strip()]
    if not lines:
        return None
    return sorted({words[1] for words in lines if words[0] == "1"})


def main() -> None:
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    packages = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    banned = {rule["name"]: rule for rule in rules["bans"]["deny"]}
    faults = []

    registries = {package["source"] for package in packages if package.get("source", "").startswith("registry+")}
    if len(registries) > 1:
        faults.append(f"more than one registry: {', '.join(sorted(registries))}")

    for package in packages:
        label = f"{package['name']} {package['version']}"
        # Without a source it is a member of the workspace.
        source = package.get("source")
        if source is not None and (source not in registries or "checksum" not in package):
            faults.append(f"{label} comes from {source}; only a registry's crates, with checksums, are allowed")

        rule = banned.get(package["name"])
        if rule is None or (found := users(package)) is None:
            continue
        allowed = rule.get("wrappers", [])
        strangers = [user for user in found if user not in allowed]
        if strangers or not allowed:
            who = ", ".join(strangers) or "a member of the workspace"
            only = f" (allowed below {', '.join(allowed)} only)" if allowed else ""
            faults.append(f"{label} is banned{only}, used by {who}: {rule['reason']}")

    for fault in faults:
        print(f"deny: {fault}", file=sys.stderr)
    if faults:
        sys.exit(1)
    print(f"deny: {len(packages)} packages, {len(banned)} bans: all well")


main()
