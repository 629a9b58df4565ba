"""Holds docker-compose.yml, deploy/idtrail.toml and the Dockerfile against our own rules.

usage: compose.py MODEL, the resolved model as JSON; an empty file leaves the rules about it out.
"""

import copy
import ipaddress
import json
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SETTINGS = "deploy/idtrail.toml"
SERVICES = {"ingest", "validate", "enrich", "notify", "audit"}
# The user of the Dockerfile, to whom compose gives the key of the history.
USER = "10001:10001"


def is_ours(service: dict) -> bool:
    return service["image"] == "idtrail"


def is_once(service: dict) -> bool:
    return service.get("restart") == "no"


def compose_faults(model: dict) -> list[str]:
    faults = []
    services = model["services"]
    published = [port for service in services.values() for port in service.get("ports", [])]
    ports = [port["published"] for port in published]
    if len(ports) != len(set(ports)):
        faults.append(f"a port is published twice: {sorted(ports)}")
    if missing := {name for name in SERVICES if services.get(name, {}).get("command", [None])[0] != name}:
        faults.append(f"no service runs {', '.join(sorted(missing))}")
    for name, service in services.items():
        faults += [f"{name}: {fault}" for fault in service_faults(service, services)]
    return faults


def service_faults(service: dict, services: dict) -> list[str]:
    faults = []
    if any(port.get("host_ip") != "127.0.0.1" for port in service.get("ports", [])):
        faults.append("publish ports on 127.0.0.1 only")
    if not is_ours(service) and not re.search(r":[^:/]*\d[^:/]*$", service["image"]):
        faults.append(f"pin the version of {service['image']}")
    if service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", []):
        faults.append("drop all capabilities and forbid new privileges")
    if service.get("privileged") or (is_ours(service) and {"cap_add", "user"} & service.keys()):
        faults.append("no privileges, capabilities or other user for it")
    if is_ours(service):
        tmpfs = [mount.split(":")[0] for mount in service.get("tmpfs", [])]
        if not service.get("read_only") or tmpfs != ["/tmp"]:
            faults.append("make its root read-only, with /tmp in memory")
        if any(not volume.get("read_only") for volume in service.get("volumes", [])):
            faults.append("mount its volumes read-only; what it keeps is in the databases")
    if not is_once(service) and "healthcheck" not in service:
        faults.append("it runs on, so it needs a health check")
    for variable in service.get("environment") or {}:
        if re.search("(PASSWORD|SECRET|TOKEN|KEY)$", variable):
            faults.append(f"hand {variable} over as a file")
    for other, how in service.get("depends_on", {}).items():
        wanted = "service_completed_successfully" if is_once(services[other]) else "service_healthy"
        # A container that shares another's network only needs it to have started.
        if how["condition"] != wanted and service.get("network_mode") != f"service:{other}":
            faults.append(f"wait for {other} by {wanted}")
    return faults


def settings_faults(settings: dict, model: dict) -> list[str]:
    subnet = model["networks"]["default"]["ipam"]["config"][0]["subnet"]
    faults = []
    if settings["door"]["allow"] != [subnet]:
        faults.append(f"{SETTINGS}: door.allow must be the network of docker-compose.yml, {subnet}, and no other")
    if not ipaddress.ip_network(subnet).is_private:
        faults.append(f"the network {subnet} is not private")
    if settings["idtrail"]["profile"] != "development":
        faults.append(f"{SETTINGS}: containers without TLS between them are no production")
    return faults


def dockerfile_faults(text: str) -> list[str]:
    faults = []
    lines = [line.strip() for line in text.replace("\\\n", " ").splitlines()]
    words = [line.split() for line in lines if line and not line.startswith("#")]
    if bare := [line[1] for line in words if line[0] == "FROM" and not re.search(r":.*\d|:bookworm-slim$", line[1])]:
        faults.append(f"pin the tag of {', '.join(bare)}")
    last = max(number for number, line in enumerate(words) if line[0] == "FROM")
    stage = words[last:]
    users = [line[1] for line in stage if line[0] == "USER"]
    if users[-1:] != [USER]:
        faults.append(f"end as the user {USER}")
    if ["ENTRYPOINT", '["idtrail"]'] not in stage:
        faults.append('ENTRYPOINT must be ["idtrail"], without a shell, so that signals reach it')
    if any(line[0] in ("HEALTHCHECK", "CMD", "VOLUME", "ADD") for line in words):
        faults.append("no HEALTHCHECK, CMD, VOLUME or ADD: compose and Kubernetes say what runs and how it is watched")
    copied = [source for line in words if line[0] == "COPY" and not line[1].startswith("--") for source in line[1:-1]]
    faults += [f"COPY {source}: it is not there" for source in copied if not (ROOT / source).exists()]
    return faults


def command_faults(program: pathlib.Path, model: dict | None) -> list[str]:
    """Whether the commands of our containers exist, and whether the settings pass their own check."""

    def fails(*arguments: str) -> str | None:
        # Settings of whoever runs this are not those of the containers.
        answer = subprocess.run([program, *arguments], env={}, capture_output=True, text=True)
        return None if answer.returncode == 0 else f"idtrail {' '.join(arguments)}: {answer.stderr.strip()}"

    if fails("no-such-command") is None:
        return [f"{program.relative_to(ROOT)} takes every command: build it again"]
    answers = [fails("config", "check", "--config", str(ROOT / SETTINGS))]
    for service in model["services"].values() if model else []:
        if is_ours(service):
            arguments = (service.get("entrypoint") or ["idtrail"])[1:] + service["command"]
            answers.append(fails(*arguments, "--help"))
    return [answer for answer in answers if answer]


def broken(model: dict, change) -> dict:
    other = copy.deepcopy(model)
    change(other["services"])
    return other


def blind_spots(model: dict, settings: dict, dockerfile: str) -> list[str]:
    """The rules that do not notice when they are broken on purpose."""
    changes = {
        "another address": lambda s: s["ingest"]["ports"][0].update(host_ip="0.0.0.0"),
        "a port twice": lambda s: s["ingest"]["ports"].append(s["audit"]["ports"][0]),
        "no version": lambda s: s["kafka"].update(image="apache/kafka"),
        "latest": lambda s: s["kafka"].update(image="apache/kafka:latest"),
        "capabilities": lambda s: s["mail"].pop("cap_drop"),
        "privileges": lambda s: s["audit"].pop("security_opt"),
        "a capability of ours": lambda s: s["audit"].update(cap_add=["CHOWN"]),
        "another user": lambda s: s["audit"].update(user="0:0"),
        "a writable root": lambda s: s["enrich"].pop("read_only"),
        "a writable volume": lambda s: s["enrich"]["volumes"][0].pop("read_only"),
        "no health check": lambda s: s["postgres"].pop("healthcheck"),
        "a password": lambda s: s["postgres"]["environment"].update(POSTGRES_PASSWORD="x"),
        "no waiting": lambda s: s["enrich"]["depends_on"]["directory"].update(condition="service_started"),
        "a service less": lambda s: s.pop("validate"),
        "another command": lambda s: s["validate"].update(command=["ingest"]),
    }
    blind = [name for name, change in changes.items() if model and not compose_faults(broken(model, change))]
    door = {**settings, "door": {**settings["door"], "allow": ["10.0.0.0/8"]}}
    if model and not settings_faults(door, model):
        blind.append("another network")
    texts = {
        "no tag": dockerfile.replace("rust:1.95-bookworm", "rust"),
        "latest image": dockerfile.replace("debian:bookworm-slim", "debian:latest"),
        "root": dockerfile.replace(f"USER {USER}", ""),
        "a shell": dockerfile.replace('["idtrail"]', "idtrail"),
        "a check": dockerfile + "\nHEALTHCHECK CMD true\n",
        "a missing file": dockerfile.replace("COPY . .", "COPY nothing ."),
    }
    return blind + [name for name, text in texts.items() if not dockerfile_faults(text)]


def main() -> None:
    text = pathlib.Path(sys.argv[1]).read_text()
    model = json.loads(text) if text else None
    settings = tomllib.loads((ROOT / SETTINGS).read_text())
    dockerfile = (ROOT / "Dockerfile").read_text()

    faults = [f"Dockerfile: {fault}" for fault in dockerfile_faults(dockerfile)]
    if model:
        faults += compose_faults(model) + settings_faults(settings, model)
    faults += [f"the rules do not notice: {name}" for name in blind_spots(model, settings, dockerfile)]
    # Any test run makes it, from the sources as they are.
    program = ROOT / "target/debug/idtrail"
    if program.exists():
        faults += command_faults(program, model)
    else:
        print(
            "compose: SKIPPED the commands and the settings: `cargo build` makes the idtrail that knows them",
            file=sys.stderr,
        )

    for fault in faults:
        print(f"compose: {fault}", file=sys.stderr)
    if faults:
        sys.exit(1)
    print(f"compose: {len(model['services']) if model else 0} containers and the Dockerfile: all well")


main()
