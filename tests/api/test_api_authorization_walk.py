"""Every operation of every service: denied in the service's words without permission, and without any change.

With permission for exactly the actions in the table it is not denied.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from sqlalchemy import inspect, text

from reading_room.iam import inline_policies, users
from reading_room.s3.actions import requirements
from reading_room.s3.addressing import Address
from reading_room.s3.backends import embedded
from reading_room.s3.operations.table import OPERATIONS
from reading_room.wiring.product import operation_table
from tests.worlds.minimal_calls import ACCOUNT, minimal
from tests.worlds.models import ModelWorld

assert embedded.__name__  # The import fills the table of S3's operations.
TABLE = {(bound.facts.service, bound.facts.name): bound.facts for bound in operation_table()}
BY_HANDLER = {("kms", name) for name in ("Decrypt", "ReEncrypt", "RetireGrant")}
"""Operations without the key in a parameter; the tests of KMS deny them."""
AUTHORIZED = sorted(
    key for key, facts in TABLE.items() if facts.authorized or (facts.by_handler and key not in BY_HANDLER)
)
DENIAL = {
    "ec2": "UnauthorizedOperation",
    "iam": "AccessDenied",
    "sts": "AccessDenied",
}
"""The denial codes of services that have their own; the others return AccessDeniedException."""
DENIALS = {"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"}
USES = ("iam_access_key_uses", "iam_role_uses", "trail_heads")
"""Tables that change with every call, whatever its result."""
NEED_NO_PERMISSION = {
    ("reading-room", "CheckJob"): "whoever has permission for the checked operation gets an answer",
    ("reading-room", "DescribeJobRuns"): "permission to describe a job decides for each job",
    ("reading-room", "EndSession"): "like sts:GetCallerIdentity: no policy may prevent signing out",
    ("reading-room", "RedeemSignInToken"): "the token decides: the caller is not authenticated yet",
    ("sts", "AssumeRole"): "the role's trust policy and the caller's policies decide",
    ("sts", "GetCallerIdentity"): "AWS: no permission is needed, and none can be denied",
    ("sts", "GetSessionToken"): "AWS: no permission is needed; each call of the session is authorized",
}


class Walk:
    """The whole product, a user without policies, and a user who gets a policy for each call."""

    def __init__(self, folder: Any) -> None:
        self.world = ModelWorld(folder)
        self._clients: dict[tuple[str, str], Any] = {}
        self._keys: dict[str, dict[str, Any]] = {}
        self.nobody, self.somebody = "nobody", "somebody"
        for name in (self.nobody, self.somebody):
            self._make(name)
        administrator = self.world.client_of("shelf", service="s3")
        administrator.create_bucket(Bucket="papers")
        administrator.put_object(Bucket="papers", Key="key", Body=b"secret")

    def _make(self, name: str) -> None:
        with self.world.database.transaction() as session:
            user = users.create(session, ACCOUNT, name, now=self.world.now)
            key = users.create_access_key(session, user, self.world.now)
            self._keys[name] = {
                "access_key_id": key.access_key_id,
                "secret_access_key": key.secret_access_key,
            }
            self._keys[name + "-id"] = {"id": user.unique_id}

    def allow(self, actions: list[str]) -> None:
        """Give ``somebody`` permission for exactly these actions on all resources."""
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
        with self.world.database.transaction() as session:
            unique_id = self._keys[self.somebody + "-id"]["id"]
            inline_policies.put(session, "user", unique_id, self.somebody, "only", json.dumps(document))

    def call(self, who: str, service: str, operation: str, parameters: dict[str, Any]) -> tuple[str, str, int]:
        """Call as one of the two users; return the code, message and status of the error, or empty strings."""
        if (who, service) not in self._clients:
            self._clients[who, service] = self.world.process.client(service, **self._keys[who])
        try:
            getattr(self._clients[who, service], xform_name(operation))(**parameters)
        except ClientError as error:
            details = error.response["Error"]
            return details["Code"], details.get("Message", ""), error.response["ResponseMetadata"]["HTTPStatusCode"]
        return "", "", 200

    def minimal(self, service: str, operation: str) -> dict[str, Any]:
        """Return the smallest valid parameters of a call; an access key must be one of the account."""
        mine = {"AccessKeyId": self._keys[self.nobody]["access_key_id"]}
        return minimal(service, operation) | (mine if operation == "GetAccessKeyLastUsed" else {})

    def rows(self) -> dict[str, list[Any]]:
        """Return all rows of the database except times of last use, because a denied call counts as a use."""
        with self.world.database.reading() as session:
            names = inspect(session.connection()).get_table_names()
            names = [name for name in names if name not in USES]
            return {name: [tuple(row) for row in session.execute(text(f'SELECT * FROM "{name}"'))] for name in names}


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """An account for this file; calls that are allowed may change it."""
    walk = Walk(tmp_path_factory.mktemp("walk"))
    yield walk
    walk.world.close()


def test_only_these_operations_need_no_permission() -> None:
    assert {key for key, facts in TABLE.items() if not facts.authorized and not facts.by_handler} == set(
        NEED_NO_PERMISSION
    )


def test_only_a_sign_in_needs_no_signature() -> None:
    assert [key for key, facts in TABLE.items() if facts.unsigned] == [("reading-room", "RedeemSignInToken")]


@pytest.mark.parametrize(("service", "operation"), AUTHORIZED)
def test_a_call_without_permission_is_denied_in_its_services_words_and_changes_nothing(
    walk: Walk, service: str, operation: str
) -> None:
    before = walk.rows()
    code, message, status = walk.call(walk.nobody, service, operation, walk.minimal(service, operation))
    action = TABLE[service, operation].action
    assert code == DENIAL.get(service, "AccessDeniedException"), message
    assert status == (400 if code == "AccessDeniedException" else 403)
    who = f"User: arn:aws:iam::{ACCOUNT}:user/nobody is not authorized to perform: {action}"
    assert who in message
    assert f"because no identity-based policy allows the {action} action" in message
    assert walk.rows() == before


@pytest.mark.parametrize(("service", "operation"), AUTHORIZED)
def test_a_call_with_exactly_the_actions_of_the_table_is_not_denied(walk: Walk, service: str, operation: str) -> None:
    facts = TABLE[service, operation]
    walk.allow([facts.action, *(["iam:PassRole"] if facts.passed_role is not None else [])])
    code, message, _ = walk.call(walk.somebody, service, operation, walk.minimal(service, operation))
    assert code not in DENIALS, message


@pytest.mark.parametrize(("service", "operation"), [key for key in AUTHORIZED if TABLE[key].passed_role is not None])
def test_a_call_that_passes_a_role_is_denied_without_pass_role(walk: Walk, service: str, operation: str) -> None:
    facts = TABLE[service, operation]
    assert facts.passed_role is not None
    parameter = facts.passed_role.parameter
    role = "Reader" if parameter == "RoleName" else f"arn:aws:iam::{ACCOUNT}:role/Reader"
    parameters = minimal(service, operation) | {parameter: role}
    walk.allow([facts.action])
    before = walk.rows()
    code, message, _ = walk.call(walk.somebody, service, operation, parameters)
    assert code == DENIAL.get(service, "AccessDeniedException"), message
    assert "iam:PassRole" in message
    assert walk.rows() == before


def s3_parameters(operation: str) -> dict[str, Any]:
    parameters = minimal("s3", operation)
    if operation == "PutBucketVersioning":
        # Without a device for MFA, its caller would be denied for that.
        parameters["VersioningConfiguration"] = {"Status": "Enabled"}
    return parameters | {name: value for name, value in (("Bucket", "papers"), ("Key", "key")) if name in parameters}


S3_NAMES = sorted(OPERATIONS)


@pytest.mark.parametrize("operation", S3_NAMES)
def test_an_s3_call_without_permission_is_denied_and_changes_nothing(walk: Walk, operation: str) -> None:
    before = walk.rows()
    code, message, status = walk.call(walk.nobody, "s3", operation, s3_parameters(operation))
    if operation == "DeleteObjects":
        # DeleteObjects answers for each key.
        assert (code, status) == ("", 200)
    elif operation.startswith("Head"):
        assert (code, status) == ("403", 403)
    else:
        assert (code, status) == ("AccessDenied", 403), message
        assert "because no identity-based policy allows the s3:" in message
    assert walk.rows() == before


@pytest.mark.parametrize("operation", S3_NAMES)
def test_an_s3_call_with_exactly_its_actions_is_not_denied(walk: Walk, operation: str) -> None:
    parameters = s3_parameters(operation)
    headers = {"x-amz-copy-source": "/papers/key"}
    address = Address(parameters.get("Bucket"), parameters.get("Key"))
    needed = [each.action for each in requirements(operation, address, {}, headers)] or ["s3:DeleteObject"]
    walk.world.backend.put("papers", "key", b"secret", "text/plain")
    walk.allow(needed)
    code, message, status = walk.call(walk.somebody, "s3", operation, parameters)
    assert (code, status) not in (("AccessDenied", 403), ("403", 403)), message
