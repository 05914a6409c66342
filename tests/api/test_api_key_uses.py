"""The last use of an access key, for every service and across a restart of the product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from reading_room.cli.running import endpoint_of
from reading_room.client import InProcess
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.hosts.realtime import RealtimePool
from reading_room.s3.backends.memory import memory_backend
from reading_room.settings import Settings
from reading_room.wiring.product import Product
from tests.worlds.databases import SEALER
from tests.worlds.waiting import eventually


@contextmanager
def running(folder: Path) -> Iterator[tuple[InProcess, dict[str, Any]]]:
    """Run the product with a data folder; yield its process and its administrator's key."""
    settings = Settings.from_environment({}, data=folder)
    with closing(Database.open(folder / "db.sqlite", sealer=SEALER)) as database:
        database.create_tables()
        backend = memory_backend(database, settings.region, system_clock)
        with closing(
            Product(settings=settings, database=database, backend=backend, engines=RealtimePool(lambda: None))
        ) as product:
            product.first_start()
            endpoint = endpoint_of(settings)
            key = {"access_key_id": endpoint.access_key_id, "secret_access_key": endpoint.secret_access_key}
            with closing(InProcess(product.app)) as process:
                yield process, key


def last_use(iam: Any, access_key_id: str, service: str) -> dict[str, Any]:
    """Return the last use of a key once it is for a service."""

    def found() -> dict[str, Any] | None:
        use: dict[str, Any] = iam.get_access_key_last_used(AccessKeyId=access_key_id)["AccessKeyLastUsed"]
        # S3 records a call after its answer was sent.
        return use if use["ServiceName"] == service else None

    return eventually(found, what=f"a use of {service}")


def test_uses_with_every_service_are_recorded_and_kept_across_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as (process, administrator):
        iam = process.client("iam", **administrator)
        iam.create_user(UserName="alice")
        made = iam.create_access_key(UserName="alice")["AccessKey"]
        alice: dict[str, Any] = {
            "access_key_id": made["AccessKeyId"],
            "secret_access_key": made["SecretAccessKey"],
        }
        iam.attach_user_policy(UserName="alice", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
        for service, operation in (("ec2", "describe_vpcs"), ("logs", "describe_log_groups"), ("s3", "list_buckets")):
            getattr(process.client(service, **alice), operation)()
            use = last_use(iam, made["AccessKeyId"], service)
            assert use["Region"] == "us-east-1"
    with running(tmp_path) as (process, administrator):
        again = last_use(process.client("iam", **administrator), made["AccessKeyId"], "s3")
        assert again == use
