"""What a running product has and should not have when no job runs and nobody has an interface there."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reading_room.containers.processes import descendants, start_time
from tests.worlds.processes import argv

if TYPE_CHECKING:
    from tests.worlds.postgresql import Rows
    from tests.worlds.product import Product

_SERVICES = (
    ["-m", "reading_room", "serve"],
    ["-m", "reading_room", "agent"],
    ["-m", "reading_room", "link"],
    ["-f", "wg0"],
    ["-I", "-m", "reading_room.containers.reader_process"],
    ["-I", "-m", "reading_room.hosts.front.process"],
    ["-I", "-m", "reading_room.cli.guard"],
)
_ROWS = {
    "job_containers": "SELECT container_id, account FROM job_containers JOIN jobs USING (job_id)",
    "job_parts": "SELECT job_id, account FROM job_parts JOIN jobs USING (job_id)",
    "job_plans": "SELECT job_id, account FROM job_plans JOIN jobs USING (job_id)",
    "job_cluster_authorities": "SELECT job_id, account FROM job_cluster_authorities JOIN jobs USING (job_id)",
    "network_interfaces": "SELECT interface_id, account FROM network_interfaces",
    "network_interface_permissions": "SELECT permission_id, account FROM network_interface_permissions",
    "s3_uploads": "SELECT upload_id, account FROM s3_uploads JOIN s3_buckets ON name = bucket",
}
"""The rows of each table that go with a job or an upload, and the account of each."""


def leftovers(product: Product, account: str | None) -> dict[str, Any]:
    """Return what is left over, by name: of one account, of the service itself, or of everybody.

    Containers started ahead are wanted; anything else that belongs to a container, a job or an upload is not.
    """
    with product.database() as database:
        everybody = {number for (number,) in database.execute("SELECT DISTINCT account FROM iam_users")}
        others = everybody - {account} if account is not None else set()
        rows = {
            f"rows of {table}": [row for row, owner in database.execute(query) if owner not in others]
            for table, query in _ROWS.items()
        }
        jobs = {job for job, owner in database.execute("SELECT job_id, account FROM jobs") if owner in others}
        networks = {vpc for vpc, owner in database.execute("SELECT vpc_id, account FROM vpcs") if owner in others}
        blobs = _named(database)
    objects = Path(product.settings.get("OBJECTS", f"files:{product.data / 'objects'}").removeprefix("files:"))
    stored = {path.name for path in (objects / "objects").glob("*/*")}
    found = [left_on_host(host, jobs, networks) for host in product.hosts()]
    return {
        **rows,
        **{what: [each for host in found for each in host[what]] for what in found[0]},
        "half-written": sorted(path.name for path in (objects / "incoming").iterdir()),
        "bytes without an object": sorted(stored - blobs),
        "objects without their bytes": sorted(blobs - stored),
    }


def left_on_host(product: Product, jobs: Collection[str] = (), networks: Collection[str] = ()) -> dict[str, Any]:
    """Return what a running host has and should not have, if only these jobs and networks exist."""
    records = product.records()
    launchers = {record.pid for record in records.values() if record is not None}
    known = {os.getpid()} | launchers
    for launcher in launchers:
        known |= set(descendants(launcher))
    assert product.up is not None
    processes = product.processes()
    known |= {product.up.pid, product.holder().pid}
    known |= {pid for pid in processes if argv(pid)[1:4] in _SERVICES}
    return {
        "containers without a job": [
            name
            for name, record in records.items()
            if record is None
            or start_time(record.pid) is None
            or (
                record.kind == "job"
                and record.phase != "waiting"
                and not any(job in record.container_id for job in jobs)
            )
        ],
        # One without arguments has ended, and only waits for its parent.
        "processes": [(pid, words[:6]) for pid in processes if pid not in known and (words := argv(pid))],
        "control groups": sorted(
            path.name
            for group in product.groups
            for path in group.iterdir()
            if path.is_dir() and path.name.removeprefix("reading-room-") not in records
        ),
        "links": [link for link in product.links() if link.partition(":")[0] not in networks],
    }


def _named(database: sqlite3.Connection | Rows) -> set[str]:
    """Return the files that hold the bytes of objects and of parts of uploads."""
    blobs = {blob for (blob,) in database.execute("SELECT blob FROM s3_parts")}
    of_versions = (
        "SELECT CAST(segments AS TEXT) FROM s3_objects UNION ALL SELECT CAST(segments AS TEXT) FROM s3_versions"
    )
    for (segments,) in database.execute(of_versions):
        blobs |= {blob for blob, _size in json.loads(segments) if blob}  # Small objects are stored in their rows.
    return blobs
