"""The recall profiles of accounts, and the tag that names the one of a job: functions on a database session.

A job keeps its profile as it was at submission. Calls have no tags: they use the account's default for their language.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from reading_room.analysis.kinds import PII
from reading_room.analysis.recall_profile import ProfileError, RecallProfile, engine_version, read
from reading_room.aws.models import service_model
from reading_room.comprehend.errors import PiiProfileTagInvalid
from reading_room.comprehend.tables import PiiProfileRow
from reading_room.jobs.submission import NewJob, repeated

PROFILE_TAG = "reading-room:pii-profile"
"""The tag of a job for personal data that names the recall profile to keep to."""
PROFILE = "PiiProfile"
"""The member of a job's request that has the profile."""
PROFILES_PER_ACCOUNT = 100


class UnknownProfile(LookupError):
    """The account has no recall profile with a name, which is the argument."""


class DefaultProfile(Exception):
    """A recall profile cannot be deleted, or get another language, because it is the default; the arguments say which.

    They are its name and its language.
    """


class TooManyProfiles(Exception):
    """The account has as many recall profiles as it can have."""


def of_job(session: Session, operation: str, new: NewJob) -> NewJob:
    """Return a job with the recall profile that its tag names, if it has the tag.

    If the call repeats an earlier one, return ``new`` unchanged. Call this in the transaction that submits the job.
    Raises ``PiiProfileTagInvalid``.
    """
    name = new.tags.get(PROFILE_TAG)
    check_tag(operation, new.tags)
    if name is None or repeated(session, new) is not None:
        return new
    row = session.get(PiiProfileRow, (new.account, name))
    if row is None:
        raise PiiProfileTagInvalid(PROFILE_TAG, name, f"the account {new.account} has no recall profile of this name")
    profile = profile_of(row)
    if profile.language != new.language:
        problem = f"this profile is for LanguageCode {profile.language!r}, and the job's is {new.language!r}"
        raise PiiProfileTagInvalid(PROFILE_TAG, name, problem)
    if profile.stale:
        raise PiiProfileTagInvalid(PROFILE_TAG, name, why_stale(profile))
    request = {**new.request, PROFILE: {"Name": name, **profile.members()}}
    return replace(new, request=request, remark=f"with the recall profile {name}: {profile.bound()}")


def check_tag(operation: str, tags: Mapping[str, str]) -> None:
    """Raise ``PiiProfileTagInvalid`` if an operation that does not find personal data is given the tag."""
    if PROFILE_TAG in tags and operation != PII.start:
        raise PiiProfileTagInvalid(PROFILE_TAG, tags[PROFILE_TAG], f"it is for {PII.start}, not for {operation}")


def why_stale(profile: RecallProfile) -> str:
    """Return what is wrong with a stale profile, and what to do."""
    return (
        f"the profile holds for the engine {profile.engine}, and this service has {engine_version(profile.language)}: "
        "run `reading-room pii calibrate` again and store the new profile"
    )


def profile_of(row: PiiProfileRow) -> RecallProfile:
    """Return the profile of a row."""
    return read(row.content)


def shown(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a profile promises and on what ground, as the API ``reading-room`` has it, from its JSON object."""
    same = ("LanguageCode", "Recall", "Confidence", "SampleDocuments", "SampleSHA256", "Engine")
    return {
        **{name: members[name] for name in same},
        "CreatedAt": dt.datetime.fromisoformat(members["CreatedAt"]),
        "Types": [
            {"Type": kind, "Threshold": threshold, "Documents": members["Documents"][kind]}
            for kind, threshold in sorted(members["Thresholds"].items())
        ],
    }


def check(content: str) -> RecallProfile:
    """Return the profile in a request. Raise ``ProfileError``, also for types that the API does not have."""
    profile = read(content)
    unknown = sorted(profile.thresholds.keys() - _types())
    if unknown:
        raise ProfileError(f"Thresholds has {unknown[0]}, which is no type of personal data")
    if profile.stale:
        raise ProfileError(why_stale(profile))
    return profile


@cache
def _types() -> frozenset[str]:
    return frozenset(service_model("comprehend").shape_for("PiiEntityType").metadata["enum"]) - {"ALL"}


def put(session: Session, account: str, name: str, profile: RecallProfile, now: dt.datetime) -> PiiProfileRow:
    """Store a profile, in place of an earlier one with this name, and return its row.

    An earlier one that is the default stays it. Raises ``TooManyProfiles``, and ``DefaultProfile`` for a default of
    another language.
    """
    content = json.dumps(profile.members(), separators=(",", ":"))
    row = session.get(PiiProfileRow, (account, name))
    if row is not None:
        if row.default_language not in (None, profile.language):
            raise DefaultProfile(name, row.default_language)
        row.content, row.stored_at = content, now
        return row
    count = session.scalar(select(func.count()).select_from(PiiProfileRow).where(PiiProfileRow.account == account))
    if (count or 0) >= PROFILES_PER_ACCOUNT:
        raise TooManyProfiles
    row = PiiProfileRow(account=account, name=name, content=content, stored_at=now)
    session.add(row)
    session.flush()
    return row


def found(session: Session, account: str, name: str) -> PiiProfileRow:
    """Return an account's profile. Raises ``UnknownProfile``."""
    row = session.get(PiiProfileRow, (account, name))
    if row is None:
        raise UnknownProfile(name)
    return row


def every(session: Session, account: str) -> Sequence[PiiProfileRow]:
    """Return the profiles of an account, by name."""
    own = select(PiiProfileRow).where(PiiProfileRow.account == account)
    return session.scalars(own.order_by(PiiProfileRow.name)).all()


def remove(session: Session, account: str, name: str) -> None:
    """Delete a profile. Jobs keep it as it was. Raises ``UnknownProfile``, and ``DefaultProfile`` for a default."""
    row = found(session, account, name)
    if row.default_language is not None:
        raise DefaultProfile(name, row.default_language)
    session.execute(delete(PiiProfileRow).where(PiiProfileRow.account == account, PiiProfileRow.name == name))


def set_default(session: Session, account: str, name: str) -> PiiProfileRow:
    """Make a profile the default for its language. Raises ``UnknownProfile``, and ``ProfileError`` if it is stale."""
    row = found(session, account, name)
    profile = profile_of(row)
    if profile.stale:
        raise ProfileError(why_stale(profile))
    if row.default_language is None:
        clear_default(session, account, profile.language)
        row.default_language = profile.language
        session.flush()
    return row


def clear_default(session: Session, account: str, language: str) -> None:
    """Let the account have no default for a language. Nothing happens if it has none."""
    of_language = (PiiProfileRow.account == account, PiiProfileRow.default_language == language)
    session.execute(update(PiiProfileRow).where(*of_language).values(default_language=None))


def default_thresholds(session: Session, account: str, language: str) -> Mapping[str, float]:
    """Return the thresholds for an account's calls in a language.

    There are none without a default, or if it is stale: then every finding counts, which can only raise the recall.
    """
    content = session.scalar(
        select(PiiProfileRow.content).where(
            PiiProfileRow.account == account, PiiProfileRow.default_language == language
        )
    )
    profile = None if content is None else read(content)
    return {} if profile is None or profile.stale else profile.thresholds
