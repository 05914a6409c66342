"""``reading-room network plan``: what the agent's next turn would change on this host, and why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from reading_room import codec
from reading_room.agent import holder as holders
from reading_room.cli.data_owner import as_owner_of_data
from reading_room.cli.options import DataOption, command, read_settings
from reading_room.cli.screen import fail
from reading_room.cli.screen import output as console
from reading_room.dataplane.spec import NetworkSpec
from reading_room.settings import Settings

SECONDS = 60


@dataclass(frozen=True, slots=True)
class Wanted:
    """This host's spec in the database: its network, and the ids of the jobs' containers."""

    network: NetworkSpec
    containers: tuple[str, ...]


def plan(
    as_json: Annotated[bool, typer.Option("--json", help="Print the steps as a JSON list.")] = False,
    inside: Annotated[bool, typer.Option("--inside", hidden=True)] = False,
    data: DataOption = None,
) -> None:
    """Show what the agent's next turn would change, and why. Changes nothing; run it as the user who runs `up`."""
    from reading_room.cli.agent_config import agent_config, runtime_folder

    settings = read_settings(data)
    if inside:
        from reading_room.agent.look_ahead import look_ahead  # Only the process inside needs it.

        config = agent_config(settings)
        wanted = codec.decode(Wanted, sys.stdin.buffer.read())
        print(json.dumps(look_ahead(config.public_dir, wanted.network, wanted.containers, config.outside)))
        return
    file = settings.data if settings.database else settings.data / "db.sqlite"
    whose = "is --data the product's folder, and is this user its owner?"
    if not os.access(file, os.R_OK):
        raise fail(f"{file} cannot be read: {whose}")
    runtime = runtime_folder(settings)
    if runtime.exists() and not os.access(runtime, os.X_OK):
        raise fail(f"{runtime} cannot be read: {whose}")
    holder = holders.recorded(runtime)
    if holder is None or not holders.alive(holder):
        raise fail(f"nothing runs on {settings.data}: `{command(settings, 'up')}` would create everything")
    argv = [*_program(), "network", "plan", "--inside", "--data", str(settings.data)]
    spec = as_owner_of_data(settings, lambda: codec.encode(_wanted(settings)))
    steps = _look(holder, argv, spec, settings.state)
    if as_json:
        print(json.dumps(steps))
        return
    for step in steps:
        console.print(step, soft_wrap=True, markup=False)
    if not steps:
        console.print("nothing to change")


def _wanted(settings: Settings) -> Wanted:
    from reading_room.cli.opened_database import open_to_read
    from reading_room.fleet import members
    from reading_room.jobs import desired
    from reading_room.jobs.record import LOCAL_HOST
    from reading_room.vpc import network_spec
    from reading_room.vpc.host_networks import HostNetworks

    database = open_to_read(settings)
    try:
        with database.reading() as session:
            containers = desired.containers(session, LOCAL_HOST, desired.limits_from(settings))
            hosts = members.read(session)
            several = HostNetworks(session, hosts) if hosts else None
            network = several.specs(several.owners).get(LOCAL_HOST) if several else network_spec.read(session)
    finally:
        database.close()
    if network is None:
        raise fail("this host has lost its lease, so it should have no network and no container")
    return Wanted(network, tuple(each.container_id for each in containers))


def _program() -> list[str]:
    return [sys.executable, "-m", "reading_room"]


def _look(holder: holders.Holder, argv: list[str], wanted: bytes, state: Path) -> list[str]:
    """Return the steps that the look-ahead inside the holder's namespaces finds."""
    try:
        done = subprocess.run(
            holders.enter_argv(holder, argv),
            env=os.environ | {"READING_ROOM_STATE": str(state)},
            input=wanted,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise fail(f"the namespaces gave no answer within {SECONDS} s") from None
    if done.returncode != 0:
        errors = done.stderr.decode(errors="replace").strip().splitlines()
        raise fail(f"the namespaces cannot be inspected: {errors[-1] if errors else f'exit code {done.returncode}'}")
    return [str(step) for step in json.loads(done.stdout)]
