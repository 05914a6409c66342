"""The contents of a bucket policy: the bucket, its objects, existing principals, and documented keys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reading_room.iam.policy.bucket import parse_bucket_policy
from reading_room.iam.policy.document import PolicyDocumentError
from tests.iam.test_iam_documents import S3_ACTIONS, without


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Resource": "arn:aws:s3:::corpus-in"}, "Action does not apply to any resource(s) in statement"),
        ({"Resource": "arn:aws:s3:::corpus-in2/*"}, "Policy has invalid resource"),
        ({"Resource": "arn:aws:s3:::other/*"}, "Policy has invalid resource"),
        ({"Resource": "*"}, "Policy has invalid resource"),
        ({"Action": "s3:ListBucket"}, "Action does not apply to any resource(s) in statement"),
        ({"Action": "s3:NoSuchThing"}, "Policy has invalid action"),
        ({"Action": ["s3:GetObject", "ec2:*"]}, "Policy has invalid action"),
        ({"Condition": {"StringEquals": {"aws:nosuch": "x"}}}, "Policy has an invalid condition key"),
        ({"Condition": {"StringEquals": {"s3:prefix2": "x"}}}, "Policy has an invalid condition key"),
        ({"Condition": {"StringEquals": {"aws:principaltag": "x"}}}, "Policy has an invalid condition key"),
        ({"Principal": {"AWS": "arn:aws:iam::111122223333:user/NoSuch"}}, "Invalid principal in policy"),
        (
            {"Principal": {"AWS": "arn:aws:sts::111122223333:assumed-role/NoSuch/one"}},
            "Invalid principal in policy",
        ),
    ],
)
def test_a_bucket_policy_about_something_else_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyDocumentError) as refusal:
        bucket_policy(**changes)
    assert str(refusal.value) == message


def bucket_policy(**changes: Any) -> list[str]:
    """Parse a policy of the bucket ``corpus-in``; return the ARNs whose existence was checked."""
    requested: list[str] = []

    def exists(arn: str) -> bool:
        requested.append(arn)
        return "NoSuch" not in arn

    entry = without(Resource="arn:aws:s3:::corpus-in/*")
    document = {"Version": "2012-10-17", "Statement": {**entry, **changes}}
    parse_bucket_policy(json.dumps(document), "corpus-in", S3_ACTIONS, exists)
    return requested


@pytest.mark.parametrize(
    "changes",
    [
        {"Resource": ["arn:aws:s3:::corpus-in", "arn:aws:s3:::corpus-in/*"], "Action": "s3:*"},
        {"Resource": "arn:aws:s3:::corpus-in*", "Action": ["s3:ListBucket", "s3:GetObject"]},
        {"Resource": "arn:aws:s3:::corpus-in?", "Action": "s3:ListBucket"},
        {"Resource": "arn:aws:s3:::corpus-in", "Action": "s3:listbucket"},
        {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "x", "s3:ExistingObjectTag/a": "b"}}},
        {"Condition": {"StringEquals": {"aws:SourceVpce": "x"}, "StringLike": {"s3:prefix": "y"}}},
    ],
)
def test_a_bucket_policy_about_the_bucket_is_accepted(changes: dict[str, Any]) -> None:
    assert bucket_policy(**changes) == []


def test_the_role_of_a_session_must_exist() -> None:
    principal = {"AWS": ["arn:aws:sts::111122223333:assumed-role/Reader/one", "arn:aws:iam::111122223333:user/ann"]}
    assert sorted(bucket_policy(Principal=principal)) == [
        "arn:aws:iam::111122223333:role/Reader",
        "arn:aws:iam::111122223333:user/ann",
    ]


KEYS = """
aws:AssumedRoot aws:CalledVia aws:CalledViaFirst aws:CalledViaLast aws:ChatbotSourceArn aws:CurrentTime
aws:Ec2InstanceSourcePrivateIPv4 aws:Ec2InstanceSourceVpc aws:EpochTime aws:FederatedProvider aws:MultiFactorAuthAge
aws:MultiFactorAuthPresent aws:PrincipalAccount aws:PrincipalArn aws:PrincipalIsAWSService aws:PrincipalOrgID
aws:PrincipalOrgPaths aws:PrincipalServiceName aws:PrincipalServiceNamesList aws:PrincipalTag/team aws:PrincipalType
aws:referer aws:RequestedRegion aws:RequestTag/team aws:ResourceAccount aws:ResourceOrgID aws:ResourceOrgPaths
aws:ResourceTag/team aws:SecureTransport aws:SourceAccount aws:SourceArn aws:SourceIdentity aws:SourceIp aws:SourceOrgID
aws:SourceOrgPaths aws:SourceVpc aws:SourceVpcArn aws:SourceVpce aws:TagKeys aws:TokenIssueTime aws:UserAgent aws:userid
aws:username aws:ViaAWSService aws:VpceAccount aws:VpceOrgID aws:VpceOrgPaths aws:VpcSourceIp
s3:AccessPointNetworkOrigin s3:authType s3:DataAccessPointAccount s3:DataAccessPointArn s3:delimiter
s3:ExistingObjectTag/team s3:if-match s3:if-none-match s3:InventoryAccessibleOptionalFields s3:LocationConstraint
s3:max-keys s3:object-lock-legal-hold s3:object-lock-mode s3:object-lock-remaining-retention-days
s3:object-lock-retain-until-date s3:ObjectCreationOperation s3:prefix s3:RequestObjectTag/team s3:RequestObjectTagKeys
s3:ResourceAccount s3:signatureAge s3:signatureversion s3:TlsVersion s3:versionid s3:x-amz-acl s3:x-amz-content-sha256
s3:x-amz-copy-source s3:x-amz-grant-full-control s3:x-amz-grant-read s3:x-amz-grant-read-acp s3:x-amz-grant-write
s3:x-amz-grant-write-acp s3:x-amz-metadata-directive s3:x-amz-object-ownership s3:x-amz-server-side-encryption
s3:x-amz-server-side-encryption-aws-kms-key-id s3:x-amz-server-side-encryption-customer-algorithm
s3:x-amz-storage-class s3:x-amz-website-redirect-location
"""
"""The keys in the IAM User Guide and the Service Authorization Reference, as written there."""


@pytest.mark.parametrize("key", KEYS.split())
def test_a_bucket_policy_can_use_every_documented_key(key: str) -> None:
    assert bucket_policy(Condition={"StringEquals": {key: "x"}}) == []
