"""Tricks with signatures: none authenticates a caller, and every answer is an error of AWS."""

from __future__ import annotations

import dataclasses
import datetime as dt
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from botocore.auth import HmacV1QueryAuth, S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from reading_room.aws import sigv2
from reading_room.aws.call import IncomingRequest
from reading_room.aws.errors import AwsError
from reading_room.aws.memory import MemoryCredentials
from reading_room.aws.session_tokens import check_session_token
from reading_room.aws.sigv4 import Credential, verify
from tests.worlds.aws import ENDED, KEY, SESSION
from tests.worlds.aws_signing import BODY, SOURCE, changed, code_of, incoming, keys, now, presigned, signed

SERVICES = ["comprehend", "sts", "ec2", "s3"]
TOO_MANY = {
    "comprehend": "IncompleteSignatureException",
    "sts": "IncompleteSignature",
    "ec2": "AuthFailure",
    "s3": "AuthorizationHeaderMalformed",
}
UNKNOWN_KEY = {
    "comprehend": "UnrecognizedClientException",
    "sts": "InvalidClientTokenId",
    "ec2": "AuthFailure",
    "s3": "InvalidAccessKeyId",
}
WRONG = {
    "comprehend": "InvalidSignatureException",
    "sts": "SignatureDoesNotMatch",
    "ec2": "AuthFailure",
    "s3": "SignatureDoesNotMatch",
}
PARAMETERS = ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature", "Security-Token"]
OLD_PARAMETERS = ["AWSAccessKeyId", "Signature", "Expires", "x-amz-a", "prefix"]
WRONG_TOKEN = {**UNKNOWN_KEY, "s3": "InvalidToken"}


def with_header(
    request: IncomingRequest, name: str, value: str | None = None, *, first: bool = False
) -> IncomingRequest:
    """Return a request with another header of the same name, by default with the same value."""
    extra = ((name, value if value is not None else request.header(name) or ""),)
    return dataclasses.replace(request, headers=extra + request.headers if first else request.headers + extra)


def with_query(request: IncomingRequest, **parameters: str) -> IncomingRequest:
    """Return a presigned request with some query parameters replaced."""
    query = {
        **dict(parse_qsl(request.query_string)),
        **{f"X-Amz-{k.replace('_', '-')}": v for k, v in parameters.items()},
    }
    return dataclasses.replace(request, query_string=urlencode(query, quote_via=quote))


def presigned_v2(url: str = "http://h/bucket/key", credential: Credential = KEY) -> IncomingRequest:
    """Return the request that arrives when somebody opens an old presigned URL."""
    request = AWSRequest(method="GET", url=url)
    HmacV1QueryAuth(keys(credential), expires=60).add_auth(request)
    return dataclasses.replace(incoming(request), headers=(("host", "h"),))


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "name", ["authorization", "host", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"]
)
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("value", [None, "other"], ids=["same", "other"])
def test_a_significant_header_must_not_occur_twice(service: str, name: str, first: bool, value: str | None) -> None:
    request = signed(service, SESSION)
    if request.header(name) is None:
        request = with_header(request, name, "0")
    twice = with_header(request, name, value, first=first)
    assert code_of(lambda: verify(twice, service, SOURCE, now())) == TOO_MANY[service]


def test_two_hosts_are_refused_even_if_both_are_signed() -> None:
    request = AWSRequest(method="POST", url="http://h/", data=BODY, headers={"Host": "a,b"})
    SigV4Auth(keys(KEY), "comprehend", "us-east-1").add_auth(request)
    arrived = incoming(request)
    assert verify(arrived, "comprehend", SOURCE, now()).principal == KEY.principal
    twice = with_header(changed(arrived, host="a"), "host", "b")
    assert code_of(lambda: verify(twice, "comprehend", SOURCE, now())) == "IncompleteSignatureException"


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("part", ["all", "X-Amz-Credential=AKIA", "X-Amz-Algorithm=AWS4-HMAC-SHA256"])
def test_a_signature_in_both_header_and_query_is_refused(service: str, part: str) -> None:
    in_query = presigned("http://127.0.0.1:4566/", service, method="POST").query_string
    both = dataclasses.replace(signed(service), query_string=in_query if part == "all" else part)
    expected = "InvalidArgument" if service == "s3" else TOO_MANY[service]
    assert code_of(lambda: verify(both, service, SOURCE, now())) == expected


def test_a_url_signed_with_both_versions_is_refused() -> None:
    old = presigned_v2()
    both = dataclasses.replace(old, query_string=old.query_string + "&" + presigned("http://h/bucket/key").query_string)
    assert code_of(lambda: sigv2.verify_presigned(both, SOURCE, now(), None)) == "InvalidArgument"


@pytest.mark.parametrize("name", ["AWSAccessKeyId", "Signature", "Expires"])
def test_a_signature_parameter_of_an_old_url_must_not_occur_twice(name: str) -> None:
    old = presigned_v2()
    twice = dataclasses.replace(old, query_string=f"{old.query_string}&{name}=1")
    assert code_of(lambda: sigv2.verify_presigned(twice, SOURCE, now(), None)) == "AuthorizationQueryParametersError"


@pytest.mark.parametrize(
    "extra", ["attributes", "publicAccessBlock", "encryption", "ownershipControls=", "%61ttributes"]
)
def test_an_old_url_cannot_be_changed_into_another_operation(extra: str) -> None:
    old = presigned_v2()
    assert sigv2.verify_presigned(old, SOURCE, now(), None).principal == KEY.principal
    other = dataclasses.replace(old, query_string=f"{old.query_string}&{extra}")
    assert code_of(lambda: sigv2.verify_presigned(other, SOURCE, now(), None)) == "AuthorizationQueryParametersError"
    tagging = dataclasses.replace(old, query_string=f"{old.query_string}&tagging")
    assert code_of(lambda: sigv2.verify_presigned(tagging, SOURCE, now(), None)) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("parameter", ["X-Amz-Signature", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires"])
def test_a_signature_parameter_of_a_url_must_not_occur_twice(parameter: str) -> None:
    request = presigned("http://h/b/k")
    twice = dataclasses.replace(request, query_string=f"{request.query_string}&{parameter}=1")
    assert code_of(lambda: verify(twice, "s3", SOURCE, now())) == "AuthorizationQueryParametersError"


@pytest.mark.parametrize("service", ["comprehend", "sts", "ec2"])
@pytest.mark.parametrize("word", ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
def test_only_s3_accepts_an_unsigned_body(service: str, word: str) -> None:
    request = AWSRequest(method="POST", url="http://127.0.0.1:4566/", data=BODY)
    request.headers["X-Amz-Content-SHA256"] = word
    signer = SigV4Auth(keys(KEY), service, "us-east-1")
    signer.payload = lambda request: word  # type: ignore[method-assign]
    signer.add_auth(request)
    assert code_of(lambda: verify(incoming(request), service, SOURCE, now())) == WRONG[service]


def test_an_unsigned_body_must_be_declared_in_the_signed_headers() -> None:
    request = signed("s3")
    unsigned = changed(request, x_amz_content_sha256="UNSIGNED-PAYLOAD")
    assert code_of(lambda: verify(unsigned, "s3", SOURCE, now())) == "SignatureDoesNotMatch"
    without = changed(request, x_amz_content_sha256=None)
    assert code_of(lambda: verify(without, "s3", SOURCE, now())) == "AuthorizationHeaderMalformed"


def test_the_payload_header_of_a_presigned_url_is_ignored_unless_signed() -> None:
    request = changed(presigned("http://h/b/k"), x_amz_content_sha256="0" * 64)
    assert verify(request, "s3", SOURCE, now()).payload_hash == "UNSIGNED-PAYLOAD"


@pytest.mark.parametrize(
    ("signed_path", "sent_path"),
    [
        ("/b/a/c", "/b/a/../c"),
        ("/b/k", "/b//k"),
        ("/b/k", "/b/./k"),
        ("/b/k", "/b/x/../k"),
        ("/b/k%20", "/b/k+"),
        ("/b/k", "/b/K"),
        ("/b/k", "/b/k%00"),
        ("/b/%C3%A4", "/b/a%CC%88"),
        ("/b/%252e", "/b/."),
        ("/b/k", "/b/k/"),
    ],
)
def test_a_signature_is_valid_for_one_s3_path(signed_path: str, sent_path: str) -> None:
    request = AWSRequest(method="GET", url="http://h" + signed_path)
    S3SigV4Auth(keys(KEY), "s3", "us-east-1").add_auth(request)
    arrived = incoming(request)
    assert verify(arrived, "s3", SOURCE, now()).principal == KEY.principal
    moved = dataclasses.replace(arrived, raw_path=sent_path)
    assert code_of(lambda: verify(moved, "s3", SOURCE, now())) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("host", ["other.s3.amazonaws.com", "bucket.s3.amazonaws.com:81", "bucket.s3.amazonaws.com."])
def test_a_signature_is_valid_for_one_host(host: str) -> None:
    request = AWSRequest(method="GET", url="http://bucket.s3.amazonaws.com/key")
    S3SigV4Auth(keys(KEY), "s3", "us-east-1").add_auth(request)
    arrived = incoming(request)
    assert verify(arrived, "s3", SOURCE, now()).principal == KEY.principal
    assert code_of(lambda: verify(changed(arrived, host=host), "s3", SOURCE, now())) == "SignatureDoesNotMatch"
    forwarded = changed(arrived, x_forwarded_host=host)
    assert verify(forwarded, "s3", SOURCE, now()).principal == KEY.principal


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("other", SERVICES)
def test_a_signature_is_valid_for_one_service(service: str, other: str) -> None:
    if other != service:
        assert code_of(lambda: verify(signed(service), other, SOURCE, now()))


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("part", [0, 1, 3], ids=["day", "region", "end"])
def test_a_signature_is_valid_for_one_scope(service: str, part: int) -> None:
    request = signed(service)
    scope = [now().strftime("%Y%m%d"), "us-east-1", service, "aws4_request"]
    moved = [*scope[:part], "20200101", *scope[part + 1 :]]
    header = (request.header("authorization") or "").replace("/".join(scope), "/".join(moved))
    assert header != request.header("authorization")
    assert code_of(lambda: verify(changed(request, authorization=header), service, SOURCE, now()))


@pytest.mark.parametrize("service", SERVICES)
def test_the_scope_must_have_the_date_of_the_header(service: str) -> None:
    late = now() + dt.timedelta(days=1)
    request = changed(signed(service), x_amz_date=late.strftime("%Y%m%dT%H%M%SZ"))
    code = code_of(lambda: verify(request, service, SOURCE, late))
    assert code == ("AuthorizationHeaderMalformed" if service == "s3" else WRONG[service])


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("minutes", "good"), [(-14.9, True), (14.9, True), (-15.1, False), (15.1, False)])
def test_a_signed_request_is_valid_for_fifteen_minutes_in_either_direction(
    service: str, minutes: float, good: bool
) -> None:
    request = signed(service)
    moment = now().replace(microsecond=0) + dt.timedelta(minutes=minutes)
    if good:
        assert verify(request, service, SOURCE, moment).principal == KEY.principal
    else:
        assert code_of(lambda: verify(request, service, SOURCE, moment))


def test_a_presigned_url_is_valid_only_within_its_time() -> None:
    request = presigned("http://h/b/k", expires=3600)
    assert verify(request, "s3", SOURCE, now() + dt.timedelta(minutes=59)).presigned
    assert code_of(lambda: verify(request, "s3", SOURCE, now() + dt.timedelta(minutes=61))) == "AccessDenied"
    assert code_of(lambda: verify(request, "s3", SOURCE, now() - dt.timedelta(minutes=16))) == "AccessDenied"
    longer = with_query(request, Expires="7200")
    assert code_of(lambda: verify(longer, "s3", SOURCE, now() + dt.timedelta(minutes=61))) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("expires", ["", "-1", "604801", "1e3", "+60", "6_0", "٦٠", "9" * 400])
def test_a_presigned_s3_url_must_have_a_valid_duration(expires: str) -> None:
    request = with_query(presigned("http://h/b/k"), Expires=expires)
    assert code_of(lambda: verify(request, "s3", SOURCE, now())) == "AuthorizationQueryParametersError"


@pytest.mark.parametrize("date", ["99991231T235959Z", "00010101T000000Z", "20260230T000000Z", "20260101T000000", ""])
def test_an_extreme_or_malformed_date_is_an_aws_error(date: str) -> None:
    day = date[:8]
    credential = f"{KEY.access_key_id}/{day}/us-east-1/s3/aws4_request"
    url = with_query(presigned("http://h/b/k"), Date=date, Credential=credential, Expires="604800")
    assert code_of(lambda: verify(url, "s3", SOURCE, now()))
    header = (signed("s3").header("authorization") or "").replace(now().strftime("%Y%m%d"), day)
    in_header = changed(signed("s3"), authorization=header, x_amz_date=date)
    assert code_of(lambda: verify(in_header, "s3", SOURCE, now()))


@pytest.mark.parametrize("date", ["Mon, 01 Jan 0001 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2359", "now", "\xff"])
def test_an_invalid_date_header_is_an_aws_error(date: str) -> None:
    request = changed(signed("s3"), x_amz_date=None, date=date)
    assert code_of(lambda: verify(request, "s3", SOURCE, now()))


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "credential",
    [
        dataclasses.replace(SESSION, session_token=ENDED.session_token),
        dataclasses.replace(SESSION, session_token=None),
        dataclasses.replace(SESSION, session_token=(SESSION.session_token or "")[:-1]),
        dataclasses.replace(KEY, session_token=SESSION.session_token),
    ],
    ids=["another's", "none", "cut", "with a user's key"],
)
def test_a_session_token_is_valid_only_with_its_key(service: str, credential: Credential) -> None:
    request = signed(service, credential)
    assert code_of(lambda: verify(request, service, SOURCE, now())) == WRONG_TOKEN[service]


@pytest.mark.parametrize("service", SERVICES)
def test_only_the_holder_of_an_expired_session_sees_that_it_expired(service: str) -> None:
    forged = dataclasses.replace(ENDED, secret_access_key="guessed")
    assert code_of(lambda: verify(signed(service, forged), service, SOURCE, now())) == WRONG[service]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("access_key_id", ["%FF%FE", "%ED%A0%80", "A%00B", "A" * 5000, "a'b%22", "%C3%A4", "-"])
def test_a_malformed_access_key_id_is_unknown_without_a_lookup(service: str, access_key_id: str) -> None:
    class Refusing:
        def find(self, access_key_id: str) -> Credential | None:
            raise AssertionError(f"looked up {access_key_id!r}")

    request = presigned("http://127.0.0.1:4566/", service)
    found = quote(KEY.access_key_id + "/", safe="")
    moved = dataclasses.replace(
        request,
        query_string=request.query_string.replace(found, access_key_id + "%2F").replace(found[:-3], access_key_id),
    )
    assert code_of(lambda: verify(moved, service, Refusing(), now())) == UNKNOWN_KEY[service]


@pytest.mark.parametrize("token", ["%FF", "%00", "t" * 100_000, ""])
def test_a_malformed_token_is_invalid(token: str) -> None:
    session = dataclasses.replace(SESSION, session_token="good")
    request = presigned("http://h/b/k", credential=session)
    # The signature covers the token, so a changed token may fail earlier, but it must always cause an AWS error.
    moved = dataclasses.replace(request, query_string=request.query_string.replace("=good", f"={token}"))
    assert code_of(lambda: verify(moved, "s3", MemoryCredentials([session]), now())) in (
        "SignatureDoesNotMatch",
        "InvalidToken",
    )


def test_a_token_that_is_not_utf_8_is_invalid() -> None:
    request = presigned_v2(credential=dataclasses.replace(SESSION, session_token="\xff"))
    query = request.query_string.replace("%C3%BF", "%FF")
    assert query != request.query_string
    moved = dataclasses.replace(request, query_string=query)
    assert code_of(lambda: sigv2.verify_presigned(moved, SOURCE, now(), None)) == "SignatureDoesNotMatch"
    with pytest.raises(AwsError):
        check_session_token("bad\udcff", SESSION.session_token, None, now(), "json")


@pytest.mark.parametrize("value", ["caf\u00e9", "\u00e0 la", "\u65e5\u672c", "two  blanks", "\ttab\t"])
def test_a_header_beyond_ascii_is_verified_as_its_raw_bytes(value: str) -> None:
    request = AWSRequest(method="GET", url="http://h/b/k", headers={"x-amz-meta-name": value})
    S3SigV4Auth(keys(KEY), "s3", "us-east-1").add_auth(request)
    wire = value.encode().decode("latin-1")
    arrived = changed(incoming(request), x_amz_meta_name=wire)
    assert verify(arrived, "s3", SOURCE, now()).principal == KEY.principal
    assert code_of(lambda: verify(changed(arrived, x_amz_meta_name=wire + "x"), "s3", SOURCE, now()))


@settings(deadline=None)
@given(
    name=st.sampled_from(
        ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature", "Security-Token"]
    ),
    value=st.binary(max_size=60),
    service=st.sampled_from(SERVICES),
)
def test_any_parameters_in_a_presigned_url_cause_only_aws_errors(name: str, value: bytes, service: str) -> None:
    request = presigned("http://127.0.0.1:4566/", service)
    pairs = dict(parse_qsl(request.query_string))
    if pairs.get(f"X-Amz-{name}", "").encode() == value:
        return
    pairs[f"X-Amz-{name}"] = value  # type: ignore[assignment]
    moved = dataclasses.replace(request, query_string=urlencode(pairs, quote_via=quote))
    with pytest.raises(AwsError):
        verify(moved, service, SOURCE, now())


@settings(deadline=None)
@given(query=st.dictionaries(st.sampled_from(OLD_PARAMETERS), st.binary()))
def test_any_parameters_in_an_old_url_cause_only_aws_errors(query: dict[str, bytes]) -> None:
    full = {"AWSAccessKeyId": KEY.access_key_id.encode(), "Signature": b"x", "Expires": b"99999999999", **query}
    request = dataclasses.replace(presigned_v2(), query_string=urlencode(full, quote_via=quote))
    with pytest.raises(AwsError):
        sigv2.verify_presigned(request, SOURCE, now(), None)
