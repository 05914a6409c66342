"""``reading-room network check-job``: whether a job could run in a network, before it is started."""

from __future__ import annotations

from typing import Annotated

import typer

from reading_room.cli.options import DataOption, read_settings
from reading_room.cli.screen import output as console
from reading_room.jobs.job import CONTAINERS, counted


def check_job(
    subnet: Annotated[list[str], typer.Option(help="A subnet of the job's VpcConfig. May be repeated.")],
    security_group: Annotated[list[str], typer.Option(help="A security group of the VpcConfig. May be repeated.")],
    containers: Annotated[int, typer.Option(help="How many containers the job would have.", min=1, max=CONTAINERS)] = 2,
    data: DataOption = None,
) -> None:
    """Show what would keep a job from running in a network, and what to change. Starts nothing.

    Checks free addresses, names, routes and rules, on the way to S3 and between the job's containers.
    """
    from reading_room.cli.opened_database import open_to_read
    from reading_room.comprehend.network.preflight import failures

    database = open_to_read(read_settings(data))
    try:
        with database.reading() as session:
            found = failures(session, subnet, security_group, containers)
    finally:
        database.close()
    for failure in found:
        console.print(f"{failure.code}: {failure.text}", style="red", soft_wrap=True, markup=False)
    if found:
        raise typer.Exit(1)
    console.print(
        f"[green]ok[/] a job of {counted(containers)} reaches S3 from there{'' if containers == 1 else ', and itself'}"
    )
