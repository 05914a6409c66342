"""How much space the records in log groups take. Those in buckets are objects like any other."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.logs.tables import LogGroup, LogStream
from reading_room.vpc.tables import FlowLog


def flow_records_by_account(session: Session, account: str | None = None) -> dict[str, int]:
    """Return the bytes of the log groups that flow logs deliver to, by account or only for one."""
    delivered = select(FlowLog.flow_log_id).where(
        FlowLog.account == LogGroup.account, FlowLog.log_group_name == LogGroup.name
    )
    query = select(LogGroup.account, func.sum(LogStream.stored_bytes)).join(LogStream).where(delivered.exists())
    if account is not None:
        query = query.where(LogGroup.account == account)
    return {owner: int(size) for owner, size in session.execute(query.group_by(LogGroup.account))}
