"""Fill a running product for the console's measurements: many finished jobs, many objects, an archive of any size.

The console's ``e2e/scale.spec.ts`` runs its commands one after the other. The product's own code writes the rows
beside the server, as ``reading-room accounts`` does.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from sqlalchemy import select, text

from reading_room.analysis.archive import ResultArchive
from reading_room.analysis.kind import JobKind
from reading_room.analysis.kinds import JOB_KINDS
from reading_room.cli.options import read_settings
from reading_room.cli.privileges import drop_privileges
from reading_room.cli.root_key import read_root_key
from reading_room.clock import system_clock
from reading_room.comprehend.conditions import job_arn
from reading_room.database.engine import Database
from reading_room.database.outside import count_outside_write
from reading_room.ids import job_id
from reading_room.jobs.job import Admitted, Outcome, Phase, Placement, Prepared
from reading_room.jobs.places import output_location
from reading_room.jobs.record import LOCAL_HOST, apply, containers_of
from reading_room.jobs.submission import NewJob, row_of
from reading_room.jobs.tables import JobRow
from reading_room.s3.backends.files import FileBlobStore
from reading_room.s3.checksums import Digests, of_full_object
from reading_room.s3.object_keys import ObjectKeys
from reading_room.s3.operations.objects import DEFAULT_CHECKSUM, plain_row, replace_object
from reading_room.s3.space import Space
from reading_room.s3.storage import Received, Storage
from reading_room.s3.tables import S3Object
from reading_room.settings import Settings
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.tables import Subnet

AT_ONCE = 1000
"""Rows per transaction, which limits how long the server waits."""
JOB_SECONDS = 40
"""Seconds from one job's submission to the next's."""
OUTCOMES = (
    *[Outcome(Phase.COMPLETED)] * 8,
    Outcome(Phase.FAILED, "NO_READ_ACCESS_TO_INPUT", "The data access role may not read the input."),
    Outcome(Phase.STOPPED),
)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    jobs = commands.add_parser("jobs", help="write finished jobs of every kind, like one that the product has")
    jobs.add_argument("data", type=Path)
    jobs.add_argument("count", type=int)
    running = commands.add_parser("running", help="write running jobs whose containers are gone, like its newest job")
    running.add_argument("data", type=Path)
    running.add_argument("count", type=int)
    objects = commands.add_parser("objects", help="write small objects into a bucket")
    objects.add_argument("data", type=Path)
    objects.add_argument("bucket")
    objects.add_argument("count", type=int)
    copies = commands.add_parser("copies", help="write copies of the row of a small object, for a stopped product")
    copies.add_argument("data", type=Path)
    copies.add_argument("bucket")
    copies.add_argument("key")
    copies.add_argument("count", type=int)
    archive = commands.add_parser("archive", help="write an archive of the lines of results, over and over")
    archive.add_argument("lines", type=Path, help="output of `reading-room jobs run --output`")
    archive.add_argument("archive", type=Path)
    archive.add_argument("size", type=int, help="minimum bytes of content")
    archive.add_argument("--copies", type=int, default=100, help="repetitions of the lines in one file of the input")
    given = parser.parse_args()
    match given.command:
        case "jobs":
            write_jobs(read_settings(given.data), given.count)
        case "running":
            write_running(read_settings(given.data), given.count)
        case "objects":
            write_objects(read_settings(given.data), given.bucket, given.count)
        case "copies":
            write_copies(read_settings(given.data), given.bucket, given.key, given.count)
        case "archive":
            write_archive(given.lines, given.archive, given.size, given.copies)


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    # As root, become the server's user before writing: no file of the database may belong to root.
    drop_privileges(settings, read_root_key(settings))
    database = Database.open(settings.data / "db.sqlite")
    try:
        yield database
    finally:
        database.close()


def write_jobs(settings: Settings, count: int) -> None:
    """Write this many finished jobs, of all kinds in turn, one every ``JOB_SECONDS`` up to now.

    They copy the product's newest job in a VPC, so their networks, roles and buckets exist.
    Raises ``LookupError`` if there is none.
    """
    with _database(settings) as database:
        like = _newest(database, settings)
        first = like.submitted_at - dt.timedelta(seconds=JOB_SECONDS * count)
        made = (_job(like, number, first) for number in range(count))
        while rows := list(islice(made, AT_ONCE)):
            with database.transaction() as session:
                session.add_all(rows)
                count_outside_write(session)


def write_running(settings: Settings, count: int) -> None:
    """Write this many running jobs like the product's newest job in a VPC, with interfaces and without containers.

    Raises ``LookupError`` if there is none.
    """
    now = system_clock()
    with _database(settings) as database:
        like = _newest(database, settings)
        kind = next(kind for kind in JOB_KINDS if kind.name == like.analysis)
        with database.transaction() as session:
            subnet = session.get_one(Subnet, (like.subnets or [])[0])
            for number in range(count):
                row = row_of(_request(like, kind, number), now)
                session.add(row)
                session.flush()
                apply(session, row, Admitted(), now)
                (container,) = containers_of(session, row.job_id)
                interface = network_interfaces.create(
                    session, row.account, subnet, like.security_groups or [], now, requester_id="bench"
                )
                network_interfaces.permit(
                    session,
                    row.account,
                    interface.interface_id,
                    network_interfaces.SERVICE_ACCOUNT,
                    network_interfaces.INSTANCE_ATTACH,
                )
                place = Placement(0, interface.interface_id, interface.vpc_id, subnet.subnet_id, LOCAL_HOST)
                apply(session, row, Prepared((place,)), now)
                network_interfaces.attach(
                    session, interface.interface_id, LOCAL_HOST, container.container_id, job_arn=row.arn, now=now
                )


def _newest(database: Database, settings: Settings) -> JobRow:
    with database.reading() as session:
        newest = session.scalars(select(JobRow).order_by(JobRow.submitted_at.desc()))
        like = next((row for row in newest if row.subnets), None)
    if like is None:
        raise LookupError(f"the product of {settings.data} has no job in a VPC")
    return like


def _job(like: JobRow, number: int, first: dt.datetime) -> JobRow:
    kind = JOB_KINDS[number % len(JOB_KINDS)]
    outcome = OUTCOMES[number // len(JOB_KINDS) % len(OUTCOMES)]
    submitted = first + dt.timedelta(seconds=JOB_SECONDS * number)
    row = row_of(_request(like, kind, number), submitted)
    row.phase, row.outcome = outcome.phase.value, outcome.phase.value
    row.failure_code, row.failure_text = outcome.code, outcome.text
    row.attempt = 1
    row.admitted_at = submitted + dt.timedelta(milliseconds=100)
    row.running_at = row.finishing_at = submitted + dt.timedelta(milliseconds=300)
    row.ended_at = submitted + dt.timedelta(seconds=1 + number % 600)
    return row


def _request(like: JobRow, kind: JobKind, number: int) -> NewJob:
    identifier = job_id()
    bucket = like.output_uri.split("/")[2]
    return NewJob(
        job_id=identifier,
        account=like.account,
        region=like.region,
        kind=kind.arn_type,
        arn=job_arn(like.region, like.account, kind, identifier),
        role_arn=like.role_arn,
        engine=next(iter(kind.engines.values()), like.engine),
        analysis=kind.name,
        input_uri=like.input_uri,
        input_format=like.input_format,
        output_uri=output_location(f"s3://{bucket}/many", like.account, kind.token, identifier),
        document_limit=kind.document_limit,
        parameters={"JobName": f"nightly-{number:05}"},
        name=f"nightly-{number:05}",
        language=next(iter(kind.languages), None),
        subnets=like.subnets,
        security_groups=like.security_groups,
        request=dict(kind.own),
    )


def write_objects(settings: Settings, bucket: str, count: int) -> None:
    """Write this many objects of one short document each, ``letters/000000.txt`` and so on. Raises ``NoSuchBucket``."""
    with _database(settings) as database, ThreadPoolExecutor(1) as executor:
        blobs = FileBlobStore(settings.data / "objects")
        keys = ObjectKeys(database, system_clock)
        store = Storage(database, blobs, settings.region, system_clock, executor, Space(), keys=keys)
        for begin in range(0, count, AT_ONCE):
            rows = []
            for number in range(begin, min(begin + AT_ONCE, count)):
                letter = f"Letter {number} says that it is rather short.\n".encode()
                digests = Digests((DEFAULT_CHECKSUM,))
                digests.update(letter)
                writer = store.create(settings.account, store.fresh_key())
                writer.write(letter)
                checksum = of_full_object(digests, DEFAULT_CHECKSUM)
                headers = {"content-type": "text/plain"}
                received = Received(writer, digests)
                rows.append(plain_row(store, bucket, f"letters/{number:06}.txt", received, headers, {}, checksum))
            with database.transaction() as session:
                for row in rows:
                    replace_object(session, row, {})
                count_outside_write(session)


def write_copies(settings: Settings, bucket: str, key: str, count: int) -> None:
    """Copy the row of an object whose bytes are in it to this many keys, ``many/00000001.txt`` and so on."""
    columns = [column.name for column in S3Object.__table__.columns]
    values = ["CAST(printf('many/%08d.txt', n) AS BLOB)" if name == "key" else name for name in columns]
    numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)"
    with _database(settings) as database, database.transaction() as session:
        session.execute(
            text(
                f"{numbers} INSERT INTO s3_objects ({', '.join(columns)}) SELECT {', '.join(values)} "
                "FROM numbers, s3_objects WHERE bucket = :bucket AND key = :key AND content IS NOT NULL"
            ),
            {"count": count, "bucket": bucket, "key": key.encode()},
        )


def write_archive(lines: Path, archive: Path, size: int, copies: int) -> None:
    """Write an archive like that of a job of this many documents, and print its contents as a JSON object.

    The assumed input is files ``part-0000.txt`` and so on, each with the documents of ``lines`` repeated.
    """
    records = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    begins = [_up_to_place(record) for record in records]
    written = documents = files = 0
    result = ResultArchive(archive)
    result.begin("output")
    while written < size:
        file = f"part-{files:04}.txt"
        for copy in range(copies):
            for line, begin in enumerate(begins):
                text = begin + f'"File": "{file}", "Line": {copy * len(begins) + line}}}'.encode()
                result.write(text)
                written += len(text) + 1
        documents += copies * len(begins)
        files += 1
    packed, _ = result.finish()
    facts = {"documents": documents, "files": files, "content": written, "archive": packed, "lines": len(begins)}
    print(json.dumps(facts))


def _up_to_place(record: dict[str, object]) -> bytes:
    """Return a line as the worker writes it, without its last two members, File and Line."""
    found = {name: value for name, value in record.items() if name not in ("File", "Line")}
    assert sorted([*found, "File", "Line"])[-2:] == ["File", "Line"], sorted(found)
    return json.dumps(found, sort_keys=True, ensure_ascii=False).encode().removesuffix(b"}") + b", "


if __name__ == "__main__":
    main()
