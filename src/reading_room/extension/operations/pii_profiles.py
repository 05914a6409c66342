"""The recall profiles of an account: thresholds with which personal data is found with a promised recall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from reading_room.analysis.recall_profile import ProfileError
from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.comprehend import pii_profiles
from reading_room.comprehend.tables import PiiProfileRow
from reading_room.database.engine import Database
from reading_room.extension.errors import (
    InvalidPiiProfileException,
    PiiProfileInUseException,
    PiiProfileNotFoundException,
    TooManyPiiProfiles,
)


def profile_arn(region: str, account: str, name: str) -> str:
    """Return the ARN of a profile; ``*`` as the name stands for any."""
    return f"arn:aws:reading-room:{region}:{account}:pii-profile/{name}"


def _named(call: Call) -> Sequence[str]:
    return (profile_arn(call.region, call.account, str(call.parameters.get("Name", "*"))),)


class PiiProfileOperations:
    """Stores, describes and deletes profiles, and says which one synchronous calls use."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @operation("reading-room", "PutPiiProfile", resources=_named)
    def put(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """PutPiiProfile. Jobs that were submitted with an earlier profile of this name keep that one."""
        with self._writing(call) as session:
            profile = pii_profiles.check(request["Content"])
            row = pii_profiles.put(session, call.account, request["Name"], profile, self._clock())
            return {"PiiProfile": _structure(call, row)}

    @operation("reading-room", "DescribePiiProfile", resources=_named)
    def describe(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribePiiProfile."""
        with self._database.reading() as session:
            try:
                row = pii_profiles.found(session, call.account, request["Name"])
            except pii_profiles.UnknownProfile as error:
                raise PiiProfileNotFoundException(request["Name"], call.account) from error
            return {"PiiProfile": _structure(call, row)}

    @operation("reading-room", "ListPiiProfiles", resources=_named)
    def every(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListPiiProfiles, all of the account's at once."""
        with self._database.reading() as session:
            return {"PiiProfiles": [_structure(call, row) for row in pii_profiles.every(session, call.account)]}

    @operation("reading-room", "DeletePiiProfile", resources=_named)
    def delete(self, call: Call, request: Mapping[str, Any]) -> None:
        """DeletePiiProfile. Jobs that were submitted with it keep it."""
        with self._writing(call) as session:
            pii_profiles.remove(session, call.account, request["Name"])

    @operation("reading-room", "SetDefaultPiiProfile", resources=_named)
    def set_default(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """SetDefaultPiiProfile, for the profile's own language."""
        with self._writing(call) as session:
            return {"PiiProfile": _structure(call, pii_profiles.set_default(session, call.account, request["Name"]))}

    @operation("reading-room", "ClearDefaultPiiProfile", resources=_named)
    def clear_default(self, call: Call, request: Mapping[str, Any]) -> None:
        """ClearDefaultPiiProfile. It can be repeated."""
        with self._writing(call) as session:
            pii_profiles.clear_default(session, call.account, request["LanguageCode"])

    def default_thresholds(self, account: str, language: str) -> Mapping[str, float]:
        """Return the thresholds for an account's synchronous calls in a language."""
        with self._database.reading() as session:
            return pii_profiles.default_thresholds(session, account, language)

    @contextmanager
    def _writing(self, call: Call) -> Iterator[Session]:
        """Yield a session that commits; turn the errors of profiles into those of the API."""
        try:
            with self._database.transaction() as session:
                yield session
        except ProfileError as error:
            raise InvalidPiiProfileException(str(error)) from error
        except pii_profiles.UnknownProfile as error:
            raise PiiProfileNotFoundException(str(error), call.account) from error
        except pii_profiles.DefaultProfile as error:
            raise PiiProfileInUseException(*error.args) from error
        except pii_profiles.TooManyProfiles as error:
            raise TooManyPiiProfiles(call.account, pii_profiles.PROFILES_PER_ACCOUNT) from error


def _structure(call: Call, row: PiiProfileRow) -> dict[str, Any]:
    profile = pii_profiles.profile_of(row)
    return {
        "Name": row.name,
        "Arn": profile_arn(call.region, row.account, row.name),
        "Default": row.default_language is not None,
        "StoredAt": row.stored_at,
        "Stale": profile.stale,
        **pii_profiles.shown(profile.members()),
    }
