"""IAM operations on users and access keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy.orm import Session

from reading_room.arns import iam_arn
from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam import inline_policies, users
from reading_room.iam.errors import ValidationError
from reading_room.iam.operations.roles import refuse_boundary
from reading_room.iam.pagination import page
from reading_room.iam.tables import User
from reading_room.iam.tags import tag_context, tags_of

if TYPE_CHECKING:
    from mypy_boto3_iam import type_defs as t


def named_user(call: Call) -> Sequence[str]:
    """Return the ARN of the user that a call names or makes; without a name it is the caller itself."""
    name = call.parameters.get("UserName")
    if name is None:
        return (call.principal.arn,)
    return (iam_arn(call.account, f"user{call.parameters.get('Path', '/')}{name}"),)


def every_user(call: Call) -> Sequence[str]:
    """Return the resource of a list of users: those under its path prefix."""
    return (iam_arn(call.account, f"user{call.parameters.get('PathPrefix', '/')}"),)


def user_structure(user: User) -> dict[str, Any]:
    """Return IAM's User structure."""
    structure: dict[str, Any] = {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.unique_id,
        "Arn": user.arn,
        "CreateDate": user.created_at,
    }
    if tags := tags_of(user.tags):
        structure["Tags"] = tags
    return structure


def user_of(session: Session, call: Call) -> User:
    """Return the user that a call names; without a name, the caller. Raises ``NoSuchEntity``, ``ValidationError``."""
    name = call.parameters.get("UserName") or call.principal.user_name
    if name is None:
        raise ValidationError("Must specify userName when calling with non-User credentials")
    return users.get(session, call.account, name)


class UserOperations:
    """CreateUser and what is done to users."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @operation("iam", "CreateUser", resources=named_user, context=tag_context)
    def create(self, call: Call, request: t.CreateUserRequestTypeDef) -> Mapping[str, Any]:
        """CreateUser."""
        refuse_boundary(call)
        with self._database.transaction() as session:
            user = users.create(
                session,
                call.account,
                request["UserName"],
                self._clock(),
                path=request.get("Path", "/"),
                tags=[{"Key": tag["Key"], "Value": tag["Value"]} for tag in request.get("Tags", [])],
            )
            return {"User": user_structure(user)}

    @operation("iam", "GetUser", resources=named_user)
    def get(self, call: Call, request: t.GetUserRequestTypeDef) -> Mapping[str, Any]:
        """GetUser."""
        with self._database.reading() as session:
            return {"User": user_structure(user_of(session, call))}

    @operation("iam", "ListUsers", resources=every_user)
    def list(self, call: Call, request: t.ListUsersRequestTypeDef) -> Mapping[str, Any]:
        """ListUsers."""
        with self._database.reading() as session:
            found = users.every(session, call.account, request.get("PathPrefix", "/"))
            shown, more = page(found, call.parameters, lambda user: user.name)
            entries = [user_structure(user) for user in shown]
            return {"Users": [{k: v for k, v in entry.items() if k != "Tags"} for entry in entries], **more}

    @operation("iam", "DeleteUser", resources=named_user)
    def delete(self, call: Call, request: t.DeleteUserRequestTypeDef) -> None:
        """DeleteUser."""
        with self._database.transaction() as session:
            users.delete(session, call.account, request["UserName"])

    @operation("iam", "PutUserPolicy", resources=named_user)
    def put_policy(self, call: Call, request: t.PutUserPolicyRequestTypeDef) -> None:
        """PutUserPolicy."""
        with self._database.transaction() as session:
            user = users.get(session, call.account, request["UserName"])
            inline_policies.put(
                session, "user", user.unique_id, user.name, request["PolicyName"], request["PolicyDocument"]
            )

    @operation("iam", "GetUserPolicy", resources=named_user)
    def get_policy(self, call: Call, request: t.GetUserPolicyRequestTypeDef) -> Mapping[str, Any]:
        """GetUserPolicy."""
        with self._database.reading() as session:
            user = users.get(session, call.account, request["UserName"])
            policy = inline_policies.get(session, "user", user.unique_id, request["PolicyName"])
            return {
                "UserName": user.name,
                "PolicyName": policy.name,
                "PolicyDocument": quote(policy.document, safe=""),
            }

    @operation("iam", "ListUserPolicies", resources=named_user)
    def list_policies(self, call: Call, request: t.ListUserPoliciesRequestTypeDef) -> Mapping[str, Any]:
        """ListUserPolicies."""
        with self._database.reading() as session:
            user = users.get(session, call.account, request["UserName"])
            names, more = page(inline_policies.names(session, user.unique_id), call.parameters, str)
            return {"PolicyNames": names, **more}

    @operation("iam", "DeleteUserPolicy", resources=named_user)
    def delete_policy(self, call: Call, request: t.DeleteUserPolicyRequestTypeDef) -> None:
        """DeleteUserPolicy."""
        with self._database.transaction() as session:
            user = users.get(session, call.account, request["UserName"])
            inline_policies.delete(session, "user", user.unique_id, request["PolicyName"])

    @operation("iam", "CreateAccessKey", resources=named_user)
    def create_access_key(self, call: Call, request: t.CreateAccessKeyRequestTypeDef) -> Mapping[str, Any]:
        """CreateAccessKey: the only answer that shows the secret."""
        with self._database.transaction() as session:
            user = user_of(session, call)
            key = users.create_access_key(session, user, self._clock())
            return {
                "AccessKey": {
                    "UserName": user.name,
                    "AccessKeyId": key.access_key_id,
                    "Status": "Active",
                    "SecretAccessKey": key.secret_access_key,
                    "CreateDate": key.created_at,
                }
            }

    @operation("iam", "ListAccessKeys", resources=named_user)
    def list_access_keys(self, call: Call, request: t.ListAccessKeysRequestTypeDef) -> Mapping[str, Any]:
        """ListAccessKeys."""
        with self._database.reading() as session:
            user = user_of(session, call)
            keys = sorted(user.access_keys, key=lambda key: key.access_key_id)
            shown, more = page(keys, call.parameters, lambda key: key.access_key_id)
            entries = [
                {
                    "UserName": user.name,
                    "AccessKeyId": key.access_key_id,
                    "Status": "Active" if key.active else "Inactive",
                    "CreateDate": key.created_at,
                }
                for key in shown
            ]
            return {"AccessKeyMetadata": entries, **more}

    @operation("iam", "UpdateAccessKey", resources=named_user)
    def update_access_key(self, call: Call, request: t.UpdateAccessKeyRequestTypeDef) -> None:
        """UpdateAccessKey."""
        if request["Status"] == "Expired":
            raise ValidationError("The status of an access key can be set to Active or Inactive")
        with self._database.transaction() as session:
            key = users.access_key(user_of(session, call), request["AccessKeyId"])
            key.active = request["Status"] == "Active"

    @operation("iam", "DeleteAccessKey", resources=named_user)
    def delete_access_key(self, call: Call, request: t.DeleteAccessKeyRequestTypeDef) -> None:
        """DeleteAccessKey."""
        with self._database.transaction() as session:
            session.delete(users.access_key(user_of(session, call), request["AccessKeyId"]))

    @operation("iam", "ListAttachedUserPolicies", resources=named_user)
    def list_attached(self, call: Call, request: t.ListAttachedUserPoliciesRequestTypeDef) -> Mapping[str, Any]:
        """ListAttachedUserPolicies: there are no managed policies yet, hence none is attached."""
        with self._database.reading() as session:
            users.get(session, call.account, request["UserName"])
            return {"AttachedPolicies": [], "IsTruncated": False}

    @operation("iam", "ListGroupsForUser", resources=named_user)
    def list_groups(self, call: Call, request: t.ListGroupsForUserRequestTypeDef) -> Mapping[str, Any]:
        """ListGroupsForUser: there are no groups yet, hence the user is in none."""
        with self._database.reading() as session:
            users.get(session, call.account, request["UserName"])
            return {"Groups": [], "IsTruncated": False}
