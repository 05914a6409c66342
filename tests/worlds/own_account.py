"""A separate account for each module in a product that several modules share: none sees the others' resources."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from reading_room.analysis.kinds import JOB_KINDS
from reading_room.cli import reading
from reading_room.clock import system_clock
from reading_room.comprehend.models.models import MODEL_KINDS
from reading_room.database.outside import count_outside_write
from reading_room.iam import accounts
from reading_room.jobs.job import TERMINAL
from reading_room.vpc.vpcs.bootstrap import default_vpc
from tests.worlds.product import Product


class OwnAccount(reading.Account):
    """Clients of the administrator of a new account, which is made as ``reading-room accounts create`` makes one."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.number = f"{secrets.randbelow(10**12):012}"
        endpoint = product.endpoint()
        with (
            closing(product.opened()) as database,
            database.transaction() as session,
        ):
            key = accounts.create(session, self.number, "of a test module", system_clock())
            default_vpc(session, self.number, endpoint.region)
            count_outside_write(session)
            name, secret = key.access_key_id, key.secret_access_key
        super().__init__(replace(endpoint, access_key_id=name, secret_access_key=secret))

    def leftovers(self) -> dict[str, Any]:
        """Return what is left over in the account, as ``Product.leftovers`` does."""
        return self.product.leftovers(self.number)

    def stop_all(self) -> None:
        """Stop everything that still runs, so that a failed test does not disturb others."""
        with self.product.database() as database:
            ended = ", ".join(f"'{phase.value}'" for phase in TERMINAL)
            query = f"SELECT arn, job_id FROM jobs WHERE account = ? AND phase NOT IN ({ended})"
            active = database.execute(query, (self.number,)).fetchall()
        for arn, job in active:
            stop_job(self, arn, job)


def stop_job(account: reading.Account, arn: str, job: str) -> None:
    """Stop a job or a training; leave it alone if it is over, or if nobody can stop it."""
    named = arn.split(":")[5].split("/")[0]
    try:
        for kind in JOB_KINDS:
            if kind.arn_type == named and kind.stop is not None:
                getattr(account.comprehend, xform_name(kind.stop))(JobId=job)
        if named in MODEL_KINDS:
            model = MODEL_KINDS[named]
            getattr(account.comprehend, xform_name(model.stop))(**{model.arn_member: arn})
    except ClientError:
        pass  # The job has ended meanwhile.


@contextmanager
def own_account(product: Product) -> Iterator[OwnAccount]:
    """An account for the length of the block; none of its jobs runs on afterwards."""
    found = OwnAccount(product)
    try:
        yield found
    finally:
        found.stop_all()
