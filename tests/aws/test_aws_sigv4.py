"""Signatures from botocore's signers are accepted; each kind of wrong signature is answered as AWS answers it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from botocore.auth import (
    HmacV1QueryAuth,
    S3SigV4Auth,
)
from botocore.awsrequest import AWSRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from reading_room.aws import sigv2
from reading_room.aws.call import IncomingRequest
from reading_room.aws.errors import AwsError
from reading_room.aws.sigv4 import Credential, has_signature, signing_key, verify
from tests.worlds.aws import ENDED, KEY, SESSION
from tests.worlds.aws_signing import BODY, SOURCE, changed, code_of, incoming, keys, now, presigned, signed


@pytest.mark.parametrize("service", ["comprehend", "logs", "ec2", "iam", "sts", "s3"])
@pytest.mark.parametrize("credential", [KEY, SESSION], ids=["user", "session"])
def test_a_request_signed_by_botocore_is_accepted(service: str, credential: Credential) -> None:
    verified = verify(signed(service, credential), service, SOURCE, now())
    assert verified.principal == credential.principal
    assert verified.access_key_id == credential.access_key_id
    assert verified.payload_hash == hashlib.sha256(BODY).hexdigest()
    assert not verified.presigned


@pytest.mark.parametrize("credential", [KEY, SESSION], ids=["user", "session"])
def test_a_url_presigned_by_botocore_is_accepted(credential: Credential) -> None:
    verified = verify(presigned("http://h/b/a%20key?versionId=3", credential=credential), "s3", SOURCE, now())
    assert verified.principal == credential.principal
    assert verified.presigned
    assert verified.payload_hash == "UNSIGNED-PAYLOAD"


def test_a_presigned_identity_call_is_accepted() -> None:
    url = "https://sts.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"
    assert verify(presigned(url, "sts"), "sts", SOURCE, now()).access_key_id == KEY.access_key_id


def test_a_streaming_upload_yields_the_seed_and_the_signing_key() -> None:
    class StreamingAuth(S3SigV4Auth):
        """Signs like SDKs that sign every chunk."""

        def payload(self, request: AWSRequest) -> str:
            """Return the keyword that replaces the hash of the payload."""
            return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"

    request = AWSRequest("PUT", "http://s3.amazonaws.com/b/k", data=b"5;chunk-signature=...")
    StreamingAuth(keys(KEY), "s3", "us-east-1").add_auth(request)
    verified = verify(incoming(request), "s3", SOURCE, now())
    assert verified.payload_hash == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    day = verified.scope.date
    assert verified.signing_key == signing_key(KEY.secret_access_key, day, "us-east-1", "s3")
    assert len(verified.signature) == 64
    assert verified.amz_date.startswith(day)


@settings(max_examples=60, deadline=None)
@given(
    key=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30),
    name=st.text("abz-", min_size=1),
    value=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12),
)
def test_any_key_and_query_are_verified_as_the_sdk_encodes_them(key: str, name: str, value: str) -> None:
    url = f"http://s3.amazonaws.com/b/{quote(key, safe='/~')}?{quote(name, safe='~')}={quote(value, safe='~')}"
    request = AWSRequest(method="GET", url=url)
    S3SigV4Auth(keys(KEY), "s3", "us-east-1").add_auth(request)
    arrived = incoming(request)
    # botocore does not normalize the path, so the path that arrives is the one that was signed.
    assert verify(arrived, "s3", SOURCE, now()).access_key_id == KEY.access_key_id


CODES = {
    # service: missing, malformed, unknown key, wrong signature, stale, expired token, wrong token, region, service
    "comprehend": (
        "MissingAuthenticationTokenException",
        "IncompleteSignatureException",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "InvalidSignatureException",
        "ExpiredTokenException",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "InvalidSignatureException",
    ),
    "sts": (
        "MissingAuthenticationToken",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "SignatureDoesNotMatch",
    ),
    "ec2": (
        "MissingParameter",
        "AuthFailure",
        "AuthFailure",
        "AuthFailure",
        "RequestExpired",
        "RequestExpired",
        "AuthFailure",
        "AuthFailure",
        "AuthFailure",
    ),
    "s3": (
        "AccessDenied",
        "AuthorizationHeaderMalformed",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "RequestTimeTooSkewed",
        "ExpiredToken",
        "InvalidToken",
        "AuthorizationHeaderMalformed",
        "AuthorizationHeaderMalformed",
    ),
}


@pytest.mark.parametrize("service", CODES)
def test_every_failure_has_the_error_code_of_aws(service: str) -> None:
    request = signed(service)
    stranger = dataclasses.replace(KEY, access_key_id="AKIANOBODY")
    liar = dataclasses.replace(KEY, secret_access_key="not the secret")
    forger = dataclasses.replace(SESSION, session_token="another token")
    other = "ec2" if service != "ec2" else "iam"
    found = (
        code_of(lambda: verify(changed(request, authorization=None), service, SOURCE, now())),
        code_of(lambda: verify(changed(request, authorization="AWS4-HMAC-SHA256 x"), service, SOURCE, now())),
        code_of(lambda: verify(signed(service, stranger), service, SOURCE, now())),
        code_of(lambda: verify(signed(service, liar), service, SOURCE, now())),
        code_of(lambda: verify(request, service, SOURCE, now() + dt.timedelta(minutes=16))),
        code_of(lambda: verify(signed(service, ENDED), service, SOURCE, now())),
        code_of(lambda: verify(signed(service, forger), service, SOURCE, now())),
        code_of(lambda: verify(signed(service, region="eu-west-3"), service, SOURCE, now())),
        code_of(lambda: verify(request, other, SOURCE, now())) and CODES[service][8],
    )
    assert found == CODES[service]


def test_a_date_in_the_future_is_refused_like_one_in_the_past() -> None:
    with pytest.raises(AwsError, match="Signature not yet current"):
        verify(signed(), "comprehend", SOURCE, now() - dt.timedelta(minutes=16))
    verify(signed(), "comprehend", SOURCE, now() - dt.timedelta(minutes=14))


@pytest.mark.parametrize(
    "tamper",
    [
        lambda r: dataclasses.replace(r, body=b'{"Text":"y"}'),
        lambda r: dataclasses.replace(r, method="PUT"),
        lambda r: dataclasses.replace(r, raw_path="/other"),
        lambda r: dataclasses.replace(r, query_string="a=b"),
        lambda r: changed(r, host="elsewhere"),
        lambda r: changed(r, x_amz_target="Comprehend_20171127.DeleteEndpoint"),
        lambda r: changed(r, x_amz_security_token="token"),
    ],
    ids=["body", "method", "path", "query", "host", "target", "token"],
)
def test_a_request_that_was_changed_after_signing_is_refused(
    tamper: Callable[[IncomingRequest], IncomingRequest],
) -> None:
    request = signed(headers={"X-Amz-Target": "Comprehend_20171127.DetectEntities"})
    verify(request, "comprehend", SOURCE, now())
    assert code_of(lambda: verify(tamper(request), "comprehend", SOURCE, now())) in (
        "InvalidSignatureException",
        "UnrecognizedClientException",
    )


def test_a_significant_header_that_is_not_signed_is_refused() -> None:
    added = changed(signed("s3"), x_amz_acl="public-read")
    with pytest.raises(AwsError) as caught:
        verify(added, "s3", SOURCE, now())
    assert caught.value.code == "AccessDenied"
    assert caught.value.extra == {"HeadersNotSigned": "x-amz-acl"}
    extra = changed(signed(), x_amz_target="Comprehend_20171127.DetectEntities")
    assert code_of(lambda: verify(extra, "comprehend", SOURCE, now())) == "InvalidSignatureException"


def test_a_presigned_url_expires() -> None:
    request = presigned("http://h/b/k", expires=60)
    with pytest.raises(AwsError, match="Request has expired") as caught:
        verify(request, "s3", SOURCE, now() + dt.timedelta(seconds=63))
    assert caught.value.extra["X-Amz-Expires"] == "60"
    week = presigned("http://h/b/k", expires=604_801)
    assert code_of(lambda: verify(week, "s3", SOURCE, now())) == "AuthorizationQueryParametersError"


@pytest.mark.parametrize(
    ("expires", "status", "message"),
    [
        ("0", 403, "Request has expired"),
        ("-7", 400, "X-Amz-Expires must be non-negative"),
        ("604801", 400, "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be "
         "less than 604800 seconds"),
        ("soon", 400, "X-Amz-Expires should be a number"),
        ("1.5", 400, "X-Amz-Expires should be a number"),
        ("9" * 30, 400, "X-Amz-Expires should be a number"),
    ],
)  # fmt: skip
def test_a_presigned_url_with_an_invalid_duration_is_refused_with_s3_messages(
    expires: str, status: int, message: str
) -> None:
    request = presigned("http://h/b/k", expires=77_777)
    odd = dataclasses.replace(request, query_string=request.query_string.replace("=77777", f"={expires}"))
    with pytest.raises(AwsError) as caught:
        verify(odd, "s3", SOURCE, now())
    assert (caught.value.status, caught.value.message) == (status, message)


def test_the_error_for_a_bad_credential_in_a_url_names_the_parameter() -> None:
    request = presigned("http://h/b/k")
    elsewhere = dataclasses.replace(request, query_string=request.query_string.replace("us-east-1", "eu-west-1"))
    with pytest.raises(AwsError) as caught:
        verify(elsewhere, "s3", SOURCE, now())
    assert (caught.value.code, caught.value.extra) == ("AuthorizationQueryParametersError", {"Region": "us-east-1"})
    assert caught.value.message == (
        "Error parsing the X-Amz-Credential parameter; the region 'eu-west-1' is wrong; expecting 'us-east-1'"
    )
    twice_encoded = dataclasses.replace(request, query_string=request.query_string.replace("%2F", "%252F"))
    with pytest.raises(AwsError) as caught:
        verify(twice_encoded, "s3", SOURCE, now())
    assert (caught.value.code, caught.value.message) == (
        "AuthorizationQueryParametersError",
        "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "
        '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    )


def test_a_presigned_url_dated_in_the_future_is_not_valid_yet() -> None:
    with pytest.raises(AwsError, match="Request is not valid yet") as caught:
        verify(presigned("http://h/b/k"), "s3", SOURCE, now() - dt.timedelta(hours=1))
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)


@pytest.mark.parametrize("written", ["soon", "-5", "1e9", "9" * 13, ""])
def test_an_old_presigned_url_with_an_invalid_expiry_is_denied(written: str) -> None:
    request = AWSRequest(method="GET", url="http://h/bucket/key")
    HmacV1QueryAuth(keys(KEY), expires=60).add_auth(request)
    arrived = dataclasses.replace(incoming(request), headers=(("host", "h"),))
    query = re.sub(r"Expires=\d+", f"Expires={written}", arrived.query_string)
    with pytest.raises(AwsError, match=r"Invalid date \(should be seconds since epoch\)") as caught:
        sigv2.verify_presigned(dataclasses.replace(arrived, query_string=query), SOURCE, now(), None)
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)


@pytest.mark.parametrize(
    ("header", "code", "message"),
    [
        ("AWS AKIAEXAMPLE:c2lnbmF0dXJl", "InvalidRequest", "The authorization mechanism you have provided is not "
         "supported. Please use AWS4-HMAC-SHA256."),
        ("AWS HAHAHA", "InvalidRequest", "The authorization mechanism you have provided is not supported. Please use "
         "AWS4-HMAC-SHA256."),
        ("Basic YTpi", "InvalidArgument", "Unsupported Authorization Type"),
        ("nonsense", "InvalidArgument", "Authorization header is invalid -- one and only one ' ' (space) required"),
    ],
)  # fmt: skip
def test_an_authorization_header_of_another_mechanism_is_refused_with_s3_messages(
    header: str, code: str, message: str
) -> None:
    request = changed(signed("s3"), authorization=header)
    with pytest.raises(AwsError) as caught:
        verify(request, "s3", SOURCE, now())
    assert (caught.value.code, caught.value.status, caught.value.message) == (code, 400, message)


@pytest.mark.parametrize("credential", [KEY, SESSION], ids=["user", "session"])
@pytest.mark.parametrize(
    ("url", "bucket"),
    [
        ("http://h/bucket/a%20key/%C3%A4?versionId=v%2B1&uploads&prefix=1", None),
        ("http://bucket.s3.amazonaws.com/a%20key", "bucket"),
    ],
)
def test_old_presigned_urls_from_boto3_are_accepted(credential: Credential, url: str, bucket: str | None) -> None:
    request = AWSRequest(method="GET", url=url)
    if bucket:
        request.auth_path = "/bucket/a%20key"
    HmacV1QueryAuth(keys(credential), expires=60).add_auth(request)
    # A client that opens the URL does not send the headers of the request that was signed.
    arrived = dataclasses.replace(incoming(request), headers=(("host", "h"),))
    assert sigv2.is_presigned(arrived)
    assert has_signature(arrived)
    verified = sigv2.verify_presigned(arrived, SOURCE, now(), bucket)
    assert verified.principal == credential.principal
    moved = dataclasses.replace(arrived, raw_path=arrived.raw_path + "2")
    assert code_of(lambda: sigv2.verify_presigned(moved, SOURCE, now(), bucket)) == "SignatureDoesNotMatch"
    with pytest.raises(AwsError, match="Request has expired") as caught:
        sigv2.verify_presigned(arrived, SOURCE, now() + dt.timedelta(seconds=90), bucket)
    assert caught.value.extra.keys() == {"Expires", "ServerTime"}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic YTpi",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/comprehend/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=A, Credential=B, SignedHeaders=host, Signature=00",
        "AWS4-ECDSA-P256-SHA256 Credential=a/20260101/comprehend/aws4_request, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/comprehend/aws4_request, SignedHeaders=HOST, Signature="
        + "0" * 64,
    ],
)
def test_a_malformed_authorization_header_is_incomplete(header: str) -> None:
    request = changed(signed(), authorization=header)
    assert code_of(lambda: verify(request, "comprehend", SOURCE, now())) == "IncompleteSignatureException"


@settings(max_examples=200, deadline=None)
@given(header=st.text(max_size=200), query=st.text(st.characters(max_codepoint=255), max_size=200))
def test_any_authorization_and_query_cause_only_aws_errors(header: str, query: str) -> None:
    request = dataclasses.replace(changed(signed(), authorization="AWS4-HMAC-SHA256 " + header), query_string=query)
    with pytest.raises(AwsError):
        verify(request, "comprehend", SOURCE, now())


def test_the_repr_of_a_key_and_of_a_verification_shows_no_secret() -> None:
    verified = verify(signed(), "comprehend", SOURCE, now())
    assert KEY.secret_access_key not in repr(KEY)
    assert SESSION.session_token is not None
    assert SESSION.session_token not in repr(SESSION)
    assert repr(verified.signing_key) not in repr(verified)
