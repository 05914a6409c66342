"""``reading-room network``: the commands that inspect the network. Each imports what it needs when it is called."""

from __future__ import annotations

from typing import Annotated

import typer

from reading_room.cli.endpoint_policy import endpoint_policy
from reading_room.cli.network_job import check_job
from reading_room.cli.network_plan import plan
from reading_room.cli.options import DataOption

app = typer.Typer(help="Inspect the network: what can reach what, and why not.", no_args_is_help=True)
app.command("plan")(plan)
app.command("endpoint-policy")(endpoint_policy)
app.command("check-job")(check_job)


@app.callback()
def group() -> None:
    """Inspect the network."""


@app.command("trace")
def trace(
    source: Annotated[str, typer.Argument(help="The sender: eni-…, or igw-… or an address for one outside.")],
    destination: Annotated[
        str, typer.Argument(help="eni-…, vpce-…, a name or an address, with :PORT for TCP and UDP.")
    ],
    protocol: Annotated[str, typer.Option(help="tcp, udp or icmp.")] = "tcp",
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
    data: DataOption = None,
) -> None:
    """Show the fate of a packet in both directions, and every rule it meets. Sends nothing, needs no privileges."""
    from reading_room.cli import network_trace

    network_trace.trace(source, destination, protocol, data, as_json=as_json)
