"""``reading-room network``: what would become of a packet, and which rule, route or endpoint decides."""

from __future__ import annotations

import ipaddress
import json
import os
from pathlib import Path
from typing import Annotated

import typer

from reading_room.cli.processes import DataOption, fail, read_settings
from reading_room.cli.screen import output as console
from reading_room.database.engine import Database
from reading_room.dataplane.linux.compile import compile_host
from reading_room.dataplane.linux.trace import trace as trace_packet
from reading_room.dataplane.semantics import Packet, decide
from reading_room.dataplane.spec import NetworkSpec
from reading_room.jobs.record import LOCAL_HOST
from reading_room.vpc import network_spec

app = typer.Typer(help="Look at the network.", no_args_is_help=True)
PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1}


@app.callback()
def group() -> None:
    """Look at the network."""


@app.command("trace")
def trace(
    interface: Annotated[str, typer.Argument(help="The sender: eni-…")],
    destination: Annotated[str, typer.Argument(help="ADDRESS:PORT, or ADDRESS for ICMP.")],
    protocol: Annotated[str, typer.Option(help="tcp, udp or icmp.")] = "tcp",
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
    data: DataOption = None,
) -> None:
    """Say what becomes of a packet from an interface, and every rule it meets. Sends nothing, needs no rights."""
    if protocol not in PROTOCOLS:
        raise fail(f"--protocol {protocol}: expected one of {', '.join(PROTOCOLS)}")
    address, _, port = destination.partition(":")
    try:
        ipaddress.IPv4Address(address)
        number = int(port) if port else 0
        if not 0 <= number <= 65_535:
            raise ValueError
    except ValueError:
        raise fail(f"{destination}: expected ADDRESS:PORT, for example 198.51.100.10:443") from None
    spec = _read(read_settings(data).data / "db.sqlite")
    vpc = next((v for v in spec.vpcs if any(i.interface_id == interface for i in v.interfaces)), None)
    if vpc is None:
        raise fail(f"no interface {interface}: `aws ec2 describe-network-interfaces` lists those there are")
    packet = Packet(vpc.vpc_id, interface, address, PROTOCOLS[protocol], number)
    verdict = decide(spec, packet)
    if as_json:
        reasons = [{"about": list(reason.about), "message": reason.message} for reason in verdict.reasons]
        print(json.dumps({"outcome": verdict.outcome, "delivered_to": verdict.delivered_to, "reasons": reasons}))
        return
    colour = "green" if verdict.delivered else "red"
    console.print(f"[{colour}]{verdict.outcome}[/] {verdict.delivered_to}".rstrip())
    for reason in verdict.reasons:
        console.print(f"  {reason.message}", soft_wrap=True)
    if verdict.outcome == "no-wire":
        return  # No packet can leave, so no rule is met.
    console.print("\nRules met, as the kernel has them:")
    console.print(trace_packet(compile_host(spec), packet).table(), soft_wrap=True, markup=False)


def _read(file: Path) -> NetworkSpec:
    if not os.access(file, os.R_OK):
        raise fail(f"{file} cannot be read: is --data the folder of the product, and is it this user's?")
    database = Database.open_read_only(file)
    try:
        with database.reading() as session:
            return network_spec.read(session, LOCAL_HOST)
    finally:
        database.close()
