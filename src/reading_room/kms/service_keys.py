"""Keys for the other services of the product: they use keys for a caller, with the caller's permissions.

Each use is a call of KMS: decided by the key's policy, the caller's policies and grants with ``kms:ViaService``, and
recorded in the trail. A key that was disabled is refused from the next use on, so services must not keep what they
decrypted.

A service that encrypts for a caller asks for a data key, encrypts with its plaintext, and stores its ciphertext; to
read, it asks to decrypt that with the same encryption context::

    by = OnBehalf("s3", principal, path)
    made = service_keys.generate_data_key(by, "alias/aws/s3", context)
    plaintext = service_keys.decrypt(by, made.ciphertext, context)

For work that outlives a call, ``principal`` is the one whose role the service has assumed, such as a data access role.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from reading_room.aws.call import Call, NetworkPath, Principal
from reading_room.aws.call_record import Gate, Recorder, forget, let_in, record_of
from reading_room.aws.errors import AwsError
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.ids import request_id
from reading_room.kms import keys, managed_keys
from reading_room.kms.access import Asked, KeyCall
from reading_room.kms.encryption_context import EncryptionContext
from reading_room.kms.granting import Granted, Granting
from reading_room.kms.grants import Terms
from reading_room.kms.references import parse_reference
from reading_room.kms.use import KeyUse

DATA_KEY_BYTES = 32
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class OnBehalf:
    """A service that uses a key for a caller."""

    service: str
    """As in host names: ``s3``."""
    principal: Principal
    """The caller of the service: the key is used with its permissions."""
    path: NetworkPath
    """The caller's origin, whose condition keys count. Its endpoint's policy does not: it is for another service."""
    account: str = ""
    """The account in which ids and aliases name keys, by default the caller's."""
    job_id: str | None = None
    session: Session | None = field(default=None, repr=False)
    """A transaction in which keys are read."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A new data key."""

    key_arn: str
    plaintext: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


class ServiceKeys:
    """Uses keys for the callers of services. Thread-safe. Its methods raise ``AwsError`` as KMS's operations do."""

    def __init__(
        self,
        database: Database,
        use: KeyUse,
        granting: Granting,
        clock: Clock,
        region: str,
        *,
        trail: Recorder = forget,
        gate: Gate = let_in,
    ) -> None:
        self._database = database
        self._use = use
        self._granting = granting
        self._clock = clock
        self._region = region
        self._trail = trail
        self._gate = gate

    def generate_data_key(self, by: OnBehalf, key: str, context: EncryptionContext) -> DataKey:
        """Return a new data key of 256 bits under the key that ``key`` names: GenerateDataKey.

        ``key`` is an id, ARN or alias. The alias of the service's own AWS managed key, such as ``alias/aws/s3``, makes
        that key in the account if it does not exist.
        """
        self._make_managed_key(by, key)
        plaintext = secrets.token_bytes(DATA_KEY_BYTES)
        parameters = {"KeyId": key, "EncryptionContext": dict(context), "KeySpec": "AES_256"}
        made = self._recorded(
            by,
            "GenerateDataKey",
            parameters,
            lambda asked: self._use.encrypt(asked, key, plaintext, context, operation="GenerateDataKey"),
            lambda result: result.key.arn,
        )
        return DataKey(made.key.arn, plaintext, made.blob)

    def decrypt(self, by: OnBehalf, ciphertext: bytes, context: EncryptionContext) -> bytes:
        """Return the plaintext of a ciphertext, such as that of a data key: Decrypt."""
        parameters = {"CiphertextBlob": ciphertext, "EncryptionContext": dict(context)}
        found = self._recorded(
            by,
            "Decrypt",
            parameters,
            lambda asked: self._use.decrypt(asked, ciphertext, context),
            lambda result: result.key.arn,
        )
        return found.plaintext

    def describe(self, by: OnBehalf, key: str) -> str:
        """Return the ARN of the key that ``key`` names, which must be a usable one for encryption: DescribeKey."""
        asked = Asked("DescribeKey")
        return self._recorded(
            by,
            "DescribeKey",
            {"KeyId": key},
            lambda call: self._use.usable(call, key, asked).arn,
            lambda result: result,
        )

    def create_grant(
        self,
        by: OnBehalf,
        key: str,
        terms: Terms,
        *,
        grantee: str,
        retiring: str | None = None,
        name: str | None = None,
    ) -> Granted:
        """Make a grant for a resource of the service, with ``kms:GrantIsForAWSResource``: CreateGrant."""
        parameters: dict[str, Any] = {
            "KeyId": key,
            "GranteePrincipal": grantee,
            "Operations": list(terms.operations),
            "Constraints": {kind: dict(pairs) for kind, pairs in terms.constraints.items()},
            "RetiringPrincipal": retiring,
            "Name": name,
        }
        return self._recorded(
            by,
            "CreateGrant",
            {member: value for member, value in parameters.items() if value},
            lambda call: self._granting.create(call, key, terms, grantee=grantee, retiring=retiring, name=name),
            lambda made: made.key_arn,
        )

    def retire_grant(self, by: OnBehalf, key_arn: str, grant_id: str) -> None:
        """Retire a grant that a caller may retire, if it still exists: RetireGrant."""
        self._recorded(
            by,
            "RetireGrant",
            {"KeyId": key_arn, "GrantId": grant_id},
            lambda call: self._granting.retire(call, grant_id),
            lambda _: key_arn,
        )

    def managed_key(self, session: Session, account: str, service: str, now: dt.datetime) -> str:
        """Return the ARN of an account's AWS managed key for a service, which is made when it is first needed."""
        return keys.arn_of(managed_keys.ensure(session, account, self._region, service, now))

    def _make_managed_key(self, by: OnBehalf, key: str) -> None:
        """Make the AWS managed key that ``key`` names, if it is one of the service and of the account."""
        service = managed_keys.service_of(key.rpartition(":")[2])
        if service is None or service != by.service:
            return
        account = by.account or by.principal.account
        reference = parse_reference(key, account, self._region)
        if reference.account != account or self._use.exists(reference, self._region, by.session):
            return
        if by.session is not None:
            self.managed_key(by.session, account, service, self._clock())
        else:
            with self._database.transaction() as session:
                self.managed_key(session, account, service, self._clock())

    def _recorded(
        self,
        by: OnBehalf,
        operation: str,
        parameters: Mapping[str, Any],
        work: Callable[[KeyCall], Result],
        arn_of: Callable[[Result], str],
    ) -> Result:
        self._gate("kms", operation, "")
        call = Call(
            service="kms",
            operation=operation,
            parameters=parameters,
            principal=by.principal,
            account=by.account or by.principal.account,
            region=self._region,
            path=by.path,
            request_id=request_id(),
            user_agent=f"{by.service}.amazonaws.com",
            job_id=by.job_id,
        )
        began = time.perf_counter()
        try:
            result = work(KeyCall(call, by.service, by.session))
        except AwsError as error:
            self._trail(record_of(call, self._clock(), error=error, seconds=time.perf_counter() - began))
            raise
        output = {"KeyId": arn_of(result)}
        self._trail(record_of(call, self._clock(), output, seconds=time.perf_counter() - began))
        return result
