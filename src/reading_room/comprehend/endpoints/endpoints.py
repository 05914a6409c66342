"""Creating, finding, updating and deleting model endpoints: functions on a database session.

A row says what should be. The loop in ``upkeep.py`` makes it so, and changes the row's status.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.arns import Arn
from reading_room.comprehend.endpoints.errors import (
    EndpointBusy,
    EndpointNameInUse,
    EndpointTokenInUse,
    EndpointUnavailable,
    InvalidEndpointRequest,
    TooManyEndpoints,
)
from reading_room.comprehend.errors import ResourceNotFoundException
from reading_room.comprehend.models.errors import ModelUnavailable
from reading_room.comprehend.models.models import ModelKind, find, kind_of_arn
from reading_room.comprehend.tables import EndpointRow
from reading_room.jobs.tables import JobTagRow
from reading_room.state_events.event import record

SUFFIX = "-endpoint"
"""What follows the type of the model in the ARN of an endpoint."""
SERVING = frozenset({"IN_SERVICE", "UPDATING"})
"""The statuses in which an endpoint answers calls."""
MOST_UNITS = 1_000_000
"""The most inference units of an endpoint without a smaller quota."""


@dataclass(frozen=True, slots=True)
class EndpointQuota:
    """The most endpoints and units of an account, and units of an endpoint; ``None`` for any number."""

    endpoints: int | None = None
    units: int | None = None
    units_each: int = MOST_UNITS


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint as a caller requested it."""

    account: str
    region: str
    name: str
    model_arn: str
    units: int
    role_arn: str | None = None
    token: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    given_model_arn: str | None = None
    """The ARN in the request, if it has the alias of a version."""
    flywheel_arn: str | None = None
    """The flywheel whose active model the endpoint follows."""

    @property
    def digest(self) -> str:
        """What identifies the request, to compare it with that of a repeated token."""
        # The active model of a flywheel, or the version of an alias, may be another one when the request is repeated.
        used = self.flywheel_arn or self.given_model_arn or self.model_arn
        given = [self.name, used, self.units, self.role_arn, sorted(self.tags.items())]
        return hashlib.sha256(json.dumps(given).encode()).hexdigest()


def endpoint_arn(region: str, account: str, kind: ModelKind, name: str) -> str:
    """Return the ARN of the endpoint with a name, for a model of a type."""
    return f"arn:aws:comprehend:{region}:{account}:{kind.arn_type}{SUFFIX}/{name}"


def follow(session: Session, flywheel_arn: str, model_arn: str, now: dt.datetime) -> None:
    """Have the endpoints of a flywheel answer with another model, each as soon as it is loaded."""
    following = select(EndpointRow).where(EndpointRow.flywheel_arn == flywheel_arn, EndpointRow.status != "DELETING")
    for row in session.scalars(following):
        if row.desired_model_arn != model_arn:
            row.desired_model_arn = model_arn
            row.status = "CREATING" if row.status == "CREATING" else "UPDATING"
            row.message, row.modified_at = None, now


def create(session: Session, new: NewEndpoint, now: dt.datetime, quota: EndpointQuota) -> EndpointRow:
    """Store an endpoint. The same client token with the same parameters returns the one that it created before.

    Raises ``ResourceInUseException`` for a name or token in use, ``ResourceNotFoundException`` and
    ``ModelUnavailable`` for the model, and ``TooManyEndpoints``.
    """
    if new.token is not None:
        made = session.scalar(
            select(EndpointRow).where(EndpointRow.account == new.account, EndpointRow.token == new.token)
        )
        if made is not None:
            if made.digest != new.digest:
                raise EndpointTokenInUse(new.token, made.arn)
            return made
    kind = kind_of_arn(new.model_arn)
    require_trained(session, new.account, new.model_arn)
    arn = endpoint_arn(new.region, new.account, kind, new.name)
    if session.get(EndpointRow, arn) is not None:
        raise EndpointNameInUse(arn)
    _check_quota(session, new.account, quota, new.units)
    row = EndpointRow(
        arn=arn,
        account=new.account,
        status="CREATING",
        desired_model_arn=new.model_arn,
        desired_units=new.units,
        desired_role_arn=new.role_arn,
        token=new.token,
        digest=new.digest,
        created_at=now,
        modified_at=now,
        flywheel_arn=new.flywheel_arn,
    )
    session.add(row)
    for key, value in new.tags.items():
        session.add(JobTagRow(arn=arn, key=key, value=value))
    record(session, "Endpoint", arn, row.status, now)
    return row


def find_endpoint(session: Session, account: str, arn: str) -> EndpointRow:
    """Return the account's endpoint with an ARN. Raises ``ResourceNotFoundException``."""
    row = session.get(EndpointRow, arn)
    if row is None or row.account != account:
        raise ResourceNotFoundException
    return row


def update(
    session: Session,
    row: EndpointRow,
    now: dt.datetime,
    quota: EndpointQuota,
    *,
    model_arn: str | None = None,
    units: int | None = None,
    role_arn: str | None = None,
    flywheel_arn: str | None = None,
) -> None:
    """Store what an endpoint should become. It answers with what it has until then.

    With ``flywheel_arn``, ``model_arn`` is the flywheel's active model, and the endpoint follows it from now on. A
    model alone ends that.

    Raises ``InvalidEndpointRequest``, ``EndpointBusy``, ``EndpointUnavailable``, ``TooManyEndpoints``, and what
    ``require_trained`` raises.
    """
    if model_arn is None and units is None and role_arn is None:
        raise InvalidEndpointRequest(
            "UpdateEndpoint needs DesiredModelArn, FlywheelArn, DesiredInferenceUnits or DesiredDataAccessRoleArn."
        )
    if row.status == "UPDATING":
        raise EndpointBusy(row.arn)
    if row.status not in ("IN_SERVICE", "FAILED"):
        raise EndpointUnavailable(row.arn, row.status, None)
    if model_arn is not None:
        if kind_of_arn(model_arn).arn_type + SUFFIX != Arn.parse(row.arn).resource.partition("/")[0]:
            raise InvalidEndpointRequest(f"DesiredModelArn {model_arn} is of another type than the model of {row.arn}.")
        require_trained(session, row.account, model_arn)
    if units is not None:
        _check_quota(session, row.account, quota, units, row)
    if model_arn is not None:
        row.desired_model_arn, row.flywheel_arn = model_arn, flywheel_arn
    row.desired_units = units or row.desired_units
    row.desired_role_arn = role_arn or row.desired_role_arn
    row.status, row.message, row.modified_at = "UPDATING", None, now
    record(session, "Endpoint", row.arn, row.status, now)


def mark_for_deletion(session: Session, row: EndpointRow, now: dt.datetime) -> None:
    """Mark an endpoint for removal: it takes no further calls. Repeating this changes nothing."""
    if row.status != "DELETING":
        row.status, row.message, row.modified_at = "DELETING", None, now
        record(session, "Endpoint", row.arn, row.status, now)


def require_trained(session: Session, account: str, arn: str) -> None:
    """Raise ``ModelUnavailable`` unless a model is trained, and ``ResourceNotFoundException`` if there is none."""
    model = find(session, account, arn)
    if model.sha256 is None:
        raise ModelUnavailable(arn, model.status, "an endpoint needs a model that is TRAINED or TRAINED_WITH_WARNING")


def _check_quota(
    session: Session, account: str, quota: EndpointQuota, units: int, row: EndpointRow | None = None
) -> None:
    if units > quota.units_each:
        raise TooManyEndpoints("DesiredInferenceUnits of an endpoint", quota.units_each)
    query = select(func.count(), func.coalesce(func.sum(EndpointRow.desired_units), 0))
    if row is not None:
        query = query.where(EndpointRow.arn != row.arn)
    number, others = session.execute(query.where(EndpointRow.account == account)).one()
    if row is None and quota.endpoints is not None and number >= quota.endpoints:
        raise TooManyEndpoints("The endpoints of an account", quota.endpoints)
    if quota.units is not None and others + units > quota.units:
        raise TooManyEndpoints("DesiredInferenceUnits of an account's endpoints together", quota.units)
