"""Events: the caller, the call and its source, without secrets."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.call import ANONYMOUS, NetworkPath, Principal
from reading_room.aws.call_record import CallRecord, reads_only, records_output
from reading_room.aws.models import SERVED, service_model
from reading_room.iam.errors import AccessDeniedException, NoSuchEntity, UnauthorizedOperation
from reading_room.trail.events import as_text, events_of
from tests.worlds.trail import ACCOUNT, NOON, OTHER, SESSION, USER, record, s3_record


def event(call: CallRecord, **owners: Any) -> dict[str, Any]:
    """Return the only event of a call, as read back."""
    ((_, found),) = list(events_of(call, **owners))
    return dict(json.loads(as_text(found)))


def test_an_event_has_the_fields_of_a_cloudtrail_record() -> None:
    found = event(record())
    assert found["eventVersion"] == "1.11"
    assert found["userIdentity"] == {
        "type": "IAMUser",
        "principalId": "AIDAANN",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/ann",
        "accountId": ACCOUNT,
        "accessKeyId": "AKIAANN",
        "userName": "ann",
    }
    assert found["eventTime"] == "2026-03-01T12:00:00Z"
    assert (found["eventSource"], found["eventName"]) == ("ec2.amazonaws.com", "CreateVpc")
    assert (found["awsRegion"], found["sourceIPAddress"], found["userAgent"]) == ("us-east-1", "203.0.113.9", "Boto3/1")
    assert found["requestParameters"] == {"cidrBlock": "10.0.0.0/16"}
    assert found["responseElements"]["vpc"] == {"vpcId": "vpc-1"}
    assert found["requestID"] == "11111111-2222-3333-4444-555555555555"
    assert (found["readOnly"], found["managementEvent"], found["eventCategory"]) == (False, True, "Management")
    assert (found["eventType"], found["recipientAccountId"]) == ("AwsApiCall", ACCOUNT)
    assert found["tlsDetails"] == {"clientProvidedHostHeader": "ec2.us-east-1.amazonaws.com"}
    assert "errorCode" not in found
    assert "vpcEndpointId" not in found


def test_a_session_event_has_the_role_and_the_start_time() -> None:
    identity = event(record(principal=dataclasses.replace(SESSION, source_identity="ann")))["userIdentity"]
    assert (identity["type"], identity["principalId"]) == ("AssumedRole", "AROAREADER:job")
    assert identity["sessionContext"] == {
        "sessionIssuer": {
            "type": "Role",
            "principalId": "AROAREADER",
            "arn": f"arn:aws:iam::{ACCOUNT}:role/team/Reader",
            "accountId": ACCOUNT,
            "userName": "Reader",
        },
        "attributes": {"creationDate": "2026-03-01T12:00:00Z", "mfaAuthenticated": "false"},
        "sourceIdentity": "ann",
    }


@pytest.mark.parametrize(
    ("principal", "kind"),
    [
        (Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT), "Root"),
        (ANONYMOUS, "AWSAccount"),
        (
            Principal(
                "federated",
                ACCOUNT,
                f"arn:aws:sts::{ACCOUNT}:federated-user/bo",
                f"{ACCOUNT}:bo",
                token_issued_at=NOON,
                issuer_arn=USER.arn,
                issuer_id=USER.user_id,
            ),
            "FederatedUser",
        ),
        (
            Principal("service", "", "delivery.logs.amazonaws.com", "x", service_name="delivery.logs.amazonaws.com"),
            "AWSService",
        ),
        (None, "Unknown"),
    ],
)
def test_each_kind_of_caller_has_its_identity_type(principal: Principal | None, kind: str) -> None:
    found = event(record(principal=principal))
    assert found["userIdentity"]["type"] == kind
    if kind == "FederatedUser":
        assert found["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == USER.arn


def test_a_call_of_a_service_with_a_role_names_the_service() -> None:
    call = record(
        principal=SESSION, access_key_id=None, user_agent="comprehend.amazonaws.com", path=NetworkPath(secure=True)
    )
    found = event(call)
    assert found["userIdentity"]["invokedBy"] == "comprehend.amazonaws.com"
    assert found["sourceIPAddress"] == found["userAgent"] == "comprehend.amazonaws.com"


def test_a_user_agent_cannot_impersonate_a_service() -> None:
    found = event(record(user_agent="comprehend.amazonaws.com"))
    assert "invokedBy" not in found["userIdentity"]
    assert found["sourceIPAddress"] == "203.0.113.9"


def test_a_call_through_an_endpoint_has_its_id_account_and_private_address() -> None:
    path = NetworkPath(vpc_id="vpc-1", vpc_endpoint_id="vpce-1", vpc_source_ip="10.0.0.7", secure=True)
    found = event(record(path=path), endpoint_owner={"vpce-1": OTHER}.get)
    assert (found["vpcEndpointId"], found["vpcEndpointAccountId"]) == ("vpce-1", OTHER)
    assert found["sourceIPAddress"] == "10.0.0.7"


@pytest.mark.parametrize(
    ("service", "error", "code"),
    [
        ("ec2", UnauthorizedOperation("no"), "Client.UnauthorizedOperation"),
        ("iam", NoSuchEntity("user", "bo"), "NoSuchEntityException"),
        ("comprehend", AccessDeniedException("no"), "AccessDenied"),
    ],
)
def test_a_failure_has_the_error_code_that_cloudtrail_uses(service: str, error: Any, code: str) -> None:
    found = event(record(service=service, operation="GetUser", error=error, output=None))
    assert (found["errorCode"], found["errorMessage"]) == (code, error.message)
    assert found["responseElements"] is None


def test_secrets_are_omitted_from_parameters_and_responses() -> None:
    key = {"AccessKeyId": "AKIAX", "SecretAccessKey": "hush", "UserName": "bo", "Status": "Active"}
    found = event(
        record(service="iam", operation="CreateAccessKey", parameters={"UserName": "bo"}, output={"AccessKey": key})
    )
    assert found["responseElements"] == {"accessKey": {"accessKeyId": "AKIAX", "userName": "bo", "status": "Active"}}
    given = {"AccessKeyId": "ASIAX", "SecretAccessKey": "hush", "SessionToken": "hush", "Expiration": NOON}
    call = record(
        service="sts", operation="AssumeRole", parameters={"RoleArn": SESSION.role_arn}, output={"Credentials": given}
    )
    found = event(call)
    assert found["responseElements"] == {
        "credentials": {"accessKeyId": "ASIAX", "expiration": "Mar 01, 2026, 12:00:00 PM"}
    }
    assert "hush" not in as_text(found)


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("DetectEntities", {"Text": "my secret", "LanguageCode": "en"}),
        ("BatchDetectSentiment", {"TextList": ["my secret", "mine too"], "LanguageCode": "en"}),
        ("ClassifyDocument", {"Text": "my secret", "EndpointArn": "arn:x"}),
        ("DetectPiiEntities", {"Text": "my secret", "LanguageCode": "en"}),
        ("ContainsPiiEntities", {"Text": "my secret", "LanguageCode": "en"}),
        ("DetectToxicContent", {"TextSegments": [{"Text": "my secret"}], "LanguageCode": "en"}),
    ],
)
def test_the_text_of_a_document_is_hidden(operation: str, parameters: dict[str, Any]) -> None:
    found = event(record(service="comprehend", operation=operation, parameters=parameters, output=None))
    assert "my secret" not in as_text(found)
    assert "HIDDEN_DUE_TO_SECURITY_REASONS" in as_text(found)


def test_map_keys_stay_unchanged() -> None:
    call = record(
        service="logs", operation="CreateLogGroup", parameters={"logGroupName": "g", "tags": {"Team": "Blue"}}
    )
    assert event(call)["requestParameters"]["tags"] == {"Team": "Blue"}


def test_log_events_are_not_in_the_trail() -> None:
    lines = [{"timestamp": 1, "message": "my secret"}]
    call = record(service="logs", operation="PutLogEvents", parameters={"logGroupName": "g", "logEvents": lines})
    assert "my secret" not in as_text(event(call))


def test_an_object_call_is_a_data_event_with_bucket_and_key() -> None:
    found = event(s3_record(headers={"range": "bytes=0-9"}, received=0, sent=10))
    assert (found["eventCategory"], found["managementEvent"], found["readOnly"]) == ("Data", False, True)
    assert found["requestParameters"] == {
        "bucketName": "papers",
        "Host": "papers.s3.test",
        "key": "a b.txt",
        "range": "bytes=0-9",
    }
    assert found["resources"] == [
        {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::papers/a b.txt"},
        {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::papers"},
    ]
    assert found["additionalEventData"] == {
        "SignatureVersion": "SigV4",
        "AuthenticationMethod": "AuthHeader",
        "bytesTransferredIn": 0,
        "bytesTransferredOut": 10,
    }


def test_a_bucket_call_is_a_management_event_and_listing_has_its_older_name() -> None:
    assert event(s3_record("PutBucketPolicy", key=None))["eventCategory"] == "Management"
    found = event(s3_record("ListObjectsV2", key=None))
    assert (found["eventName"], found["eventCategory"]) == ("ListObjects", "Data")


def test_readers_of_the_trail_cannot_reuse_a_presigned_url() -> None:
    query = {
        "X-Amz-Signature": "hush",
        "X-Amz-Security-Token": "hush",
        "X-Amz-Credential": "hush",
        "AWSAccessKeyId": "hush",
        "Signature": "hush",
        "X-Amz-Expires": "60",
    }
    text = as_text(event(s3_record(query=query, presigned=True)))
    assert "hush" not in text
    assert "X-Amz-Expires" in text
    assert '"AuthenticationMethod":"QueryString"' in text


def test_a_query_string_cannot_fake_the_requested_object() -> None:
    found = event(s3_record(query={"bucketName": "other", "key": "other", "Host": "other", "prefix": "x"}))
    recorded = found["requestParameters"]
    assert (recorded["bucketName"], recorded["key"], recorded["Host"]) == ("papers", "a b.txt", "papers.s3.test")
    assert recorded["prefix"] == "x"


def test_a_cross_account_call_is_in_both_trails_with_a_shared_id() -> None:
    found = [entry for _, entry in events_of(s3_record(owner=OTHER))]
    assert [entry["recipientAccountId"] for entry in found] == [ACCOUNT, OTHER]
    assert len({entry["sharedEventID"] for entry in found}) == 1
    assert len({entry["eventID"] for entry in found}) == 2
    role = f"arn:aws:iam::{OTHER}:role/Lent"
    found = [
        entry for _, entry in events_of(record(service="sts", operation="AssumeRole", parameters={"RoleArn": role}))
    ]
    assert [entry["recipientAccountId"] for entry in found] == [ACCOUNT, OTHER]
    assert found[0]["resources"] == [{"accountId": OTHER, "type": "AWS::IAM::Role", "ARN": role}]


def test_a_denied_stranger_is_in_the_trail_of_the_bucket_owner() -> None:
    call = dataclasses.replace(s3_record(owner=None), principal=ANONYMOUS, access_key_id=None)
    found = event(call, bucket_owner={"papers": OTHER}.get)
    assert found["recipientAccountId"] == OTHER
    assert found["userIdentity"]["accountId"] == "ANONYMOUS_PRINCIPAL"


def test_parameters_beyond_the_limit_are_replaced_with_their_size() -> None:
    found = event(record(parameters={"CidrBlock": "x" * 90_000, "InstanceTenancy": "y" * 90_000}))
    assert found["requestParameters"]["omitted"] is True
    assert found["requestParameters"]["originalSize"] > 180_000


ANYTHING = st.text(st.characters())


@given(ANYTHING, ANYTHING, st.dictionaries(ANYTHING, ANYTHING), st.dictionaries(ANYTHING, ANYTHING), ANYTHING)
def test_any_client_input_becomes_one_line_of_equivalent_json(
    operation: str, key: str, query: dict[str, str], headers: dict[str, str], agent: str
) -> None:
    call = dataclasses.replace(s3_record(operation, key=key, query=query, headers=headers), user_agent=agent)
    for _, found in events_of(call):
        text = as_text(found)
        assert "\n" not in text
        assert text.isascii()
        assert json.loads(text)["requestParameters"].keys() >= {"Host", "bucketName"}


def test_a_key_that_is_not_unicode_can_be_recorded() -> None:
    assert event(s3_record(key="\udcff"))["requestParameters"]["key"] == "\udcff"


def test_an_unknown_operation_is_recorded() -> None:
    found = event(record(service="sagemaker", operation="CreateModel", principal=None, parameters=None, output=None))
    assert (found["eventSource"], found["eventName"]) == ("sagemaker.amazonaws.com", "CreateModel")
    assert "recipientAccountId" not in found


def test_the_name_of_each_operation_decides_whether_it_is_read_only() -> None:
    changing = {
        "Create",
        "Delete",
        "Put",
        "Update",
        "Attach",
        "Detach",
        "Start",
        "Stop",
        "Tag",
        "Untag",
        "Import",
        "Copy",
        "Redeem",
    }
    for service in SERVED:
        for name in service_model(service).operation_names:
            if any(name.startswith(verb) for verb in changing):
                assert not reads_only(name), name
            if name.startswith(("Get", "List", "Describe", "Head")):
                assert reads_only(name), name
    assert records_output("AssumeRole")
    assert not records_output("DescribeVpcs")


def test_times_are_written_in_utc() -> None:
    east = dt.timezone(dt.timedelta(hours=2))
    call = record(
        service="sts",
        operation="AssumeRole",
        parameters={"RoleArn": "x"},
        output={"Credentials": {"Expiration": NOON.astimezone(east)}},
    )
    assert event(call)["responseElements"]["credentials"]["expiration"] == "Mar 01, 2026, 12:00:00 PM"
