"""Forms of the query protocols: maps, lists and structures, and the errors for forms that do not fit the model."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.model import ListShape, OperationModel, Shape
from botocore.serialize import create_serializer

from reading_room.aws.call import IncomingRequest, NetworkPath
from reading_room.aws.errors import AwsError
from reading_room.aws.models import SERVED, operation_model
from reading_room.aws.protocols import ec2, forms, query
from tests.worlds.aws import MOMENT, arrived


def operation_of(service: str, name: str) -> OperationModel:
    """Return an operation of the models."""
    operation = operation_model(service, name)
    assert operation is not None
    return operation


def parse(service: str, name: str, fields: dict[str, str]) -> dict[str, Any]:
    """Send a form with these fields to an operation's protocol and return the parameters."""
    request = arrived({"body": urlencode(fields), "headers": {"Content-Type": forms.FORM}})
    read: dict[str, Any] = (ec2 if service == "ec2" else query).parse(operation_of(service, name), request)
    return read


def test_a_map_is_parsed_as_botocore_writes_it() -> None:
    operation = operation_of("iam", "AcquireRole")
    given = {"ReplacementValues": {"a": {"Values": ["x", "y"]}, "b": {"Values": ["z"]}}}
    serialized = create_serializer("query", include_validation=False).serialize_to_request(given, operation)
    assert query.parse(operation, arrived(serialized)) == given


def test_list_members_may_be_in_any_order_with_gaps_in_their_numbers() -> None:
    fields = {"PolicyArns.member.10.arn": "c", "PolicyArns.member.2.arn": "b", "PolicyArns.member.1.arn": "a"}
    assert parse("sts", "AssumeRole", fields) == {"PolicyArns": [{"arn": "a"}, {"arn": "b"}, {"arn": "c"}]}


@pytest.mark.parametrize("field", ["PolicyArns", "PolicyArns.member"])
def test_an_empty_string_is_parsed_as_an_empty_list(field: str) -> None:
    assert parse("sts", "AssumeRole", {field: ""}) == {"PolicyArns": []}


def test_an_empty_string_is_parsed_as_an_empty_map() -> None:
    assert parse("iam", "AcquireRole", {"ReplacementValues": ""}) == {"ReplacementValues": {}}


def test_names_unknown_to_the_operation_are_ignored() -> None:
    assert parse("sts", "AssumeRole", {"RoleSessionName": "one", "Unknown.member.1": "x"}) == {"RoleSessionName": "one"}


@pytest.mark.parametrize(
    ("service", "operation", "fields", "expected"),
    [
        ("sts", "AssumeRole", {"DurationSeconds": "soon"}, ("DurationSeconds", "an Integer")),
        ("sts", "AssumeRole", {"DurationSeconds.1": "5"}, ("DurationSeconds", "an Integer")),
        ("sts", "AssumeRole", {"PolicyArns": "x"}, ("PolicyArns", "a list")),
        ("sts", "AssumeRole", {"PolicyArns.member": "x"}, ("PolicyArns.member", "a list")),
        ("sts", "AssumeRole", {"PolicyArns.member.3": "x"}, ("PolicyArns.member.3", "a structure")),
        ("iam", "AcquireRole", {"ReplacementValues": "x"}, ("ReplacementValues", "a map")),
        ("iam", "AcquireRole", {"ReplacementValues.entry": "x"}, ("ReplacementValues.entry", "a map")),
        ("iam", "AcquireRole", {"ReplacementValues.entry.1": "x"}, ("ReplacementValues.1", "key and value")),
        ("iam", "AcquireRole", {"ReplacementValues.entry.1.key": "x"}, ("ReplacementValues.1", "key and value")),
        ("iam", "AcquireRole", {"ReplacementValues.entry.1.value": ""}, ("ReplacementValues.1", "key and value")),
        (
            "iam",
            "AcquireRole",
            {"ReplacementValues.entry.1.key.1": "x", "ReplacementValues.entry.1.value": ""},
            ("ReplacementValues.1", "key and value"),
        ),
        (
            "iam",
            "AcquireRole",
            {"ReplacementValues.entry.1.key": "x", "ReplacementValues.entry.1.value": "y"},
            ("ReplacementValues.1.value", "a structure"),
        ),
    ],
)
def test_the_error_for_a_value_of_a_wrong_type_names_its_place(
    service: str, operation: str, fields: dict[str, str], expected: tuple[str, str]
) -> None:
    with pytest.raises(AwsError) as caught:
        parse(service, operation, fields)
    assert caught.value.code == "MalformedInput"
    assert all(words in caught.value.message for words in expected)


@pytest.mark.parametrize("number", ["x", "-1", "1x", "123456789", "²"])
def test_members_that_are_not_numbered_are_refused(number: str) -> None:
    with pytest.raises(AwsError) as caught:
        parse("sts", "AssumeRole", {f"PolicyArns.member.{number}.arn": "x"})
    assert caught.value.code == "MalformedQueryString"


# EC2


def test_an_ec2_operation_without_input_accepts_no_parameters() -> None:
    operation = OperationModel({"name": "Nothing", "http": {}}, operation_of("ec2", "CreateVpc").service_model)
    request = arrived({"body": "Action=Nothing&Version=2016-11-15", "headers": {"Content-Type": forms.FORM}})
    assert ec2.parse(operation, request) == {}
    request = arrived({"body": "Action=Nothing&Given=1", "headers": {"Content-Type": forms.FORM}})
    with pytest.raises(AwsError) as caught:
        ec2.parse(operation, request)
    assert caught.value.code == "UnknownParameter"
    assert "Given" in caught.value.message
    assert query.parse(operation, request) == {}


def test_the_session_token_of_an_old_signature_is_not_a_parameter() -> None:
    assert parse("ec2", "CreateVpc", {"SecurityToken": "x", "CidrBlock": "10.0.0.0/16"}) == {"CidrBlock": "10.0.0.0/16"}


@pytest.mark.parametrize(
    ("fields", "code", "expected"),
    [
        ({"Cidr": "x"}, "UnknownParameter", "Cidr"),
        ({"TagSpecification.1.Kind": "x"}, "UnknownParameter", "TagSpecification.1.Kind"),
        ({"CidrBlock.1": "x"}, "UnknownParameter", "CidrBlock.1"),
        (
            {"TagSpecification": "x"},
            "InvalidParameterValue",
            "(x) for parameter TagSpecification is invalid. Expecting a list.",
        ),
        (
            {"TagSpecification.1": "x"},
            "InvalidParameterValue",
            "(x) for parameter TagSpecification.1 is invalid. Expecting a structure.",
        ),
        (
            {"Ipv4NetmaskLength": "x"},
            "InvalidParameterValue",
            "(x) for parameter Ipv4NetmaskLength is invalid. Expecting an Integer.",
        ),
    ],
)
def test_the_error_for_an_invalid_ec2_parameter_names_it(fields: dict[str, str], code: str, expected: str) -> None:
    with pytest.raises(AwsError) as caught:
        parse("ec2", "CreateVpc", fields)
    assert caught.value.code == code
    assert expected in caught.value.message


def test_an_empty_string_is_parsed_as_an_empty_ec2_list() -> None:
    assert parse("ec2", "CreateVpc", {"TagSpecification": ""}) == {"TagSpecifications": []}


@pytest.mark.parametrize(
    ("serialization", "wire"),
    [({}, "GroupId"), ({"locationName": "theGroup"}, "TheGroup"), ({"queryName": "x", "locationName": "y"}, "x")],
)
def test_an_ec2_member_is_named_by_its_query_name_or_its_capitalized_name(
    serialization: dict[str, str], wire: str
) -> None:
    assert ec2.wire_name("groupId", Shape("String", {"type": "string", **serialization})) == wire


def test_no_operation_of_the_query_services_has_flattened_lists() -> None:
    """The parser of their forms therefore does not support flattened lists."""
    for service in ("iam", "sts"):
        model = operation_of(service, "GetRole" if service == "iam" else "AssumeRole").service_model
        shapes = [model.shape_for(name) for name in model.shape_names]
        assert not any(each.serialization.get("flattened") for each in shapes if isinstance(each, ListShape))


# The syntax of forms


def form(body: bytes, query_string: str = "", method: str = "POST") -> IncomingRequest:
    """Return a request with a form."""
    return IncomingRequest(method, "/", query_string, (("content-type", forms.FORM),), body, NetworkPath(), "r", MOMENT)


def test_fields_are_read_from_the_query_string_and_the_body_of_a_post() -> None:
    assert forms.read(form(b"b=2+3&&c=%C3%A9&d=x%3D=y&e", "a=1")) == {
        "a": "1",
        "b": "2 3",
        "c": "é",
        "d": "x==y",
        "e": "",
    }
    assert forms.read(form(b"b=2", "a=1", "GET")) == {"a": "1"}
    assert forms.read(form(b"")) == {}


@pytest.mark.parametrize(
    ("body", "query_string", "expected"),
    [
        (b"a=1&a=1", "", "the parameter a occurs twice"),
        (b"a=1", "a=2", "the parameter a occurs twice"),
        (b"a=\xc3\xa9", "", "the body has bytes that should be percent-encoded"),
        (b"a=%FF", "", "a parameter is not valid UTF-8"),
        (b"", "%FF=1", "a parameter is not valid UTF-8"),
        (b"&" * forms.MAX_FIELDS, "", "more than 20000 parameters"),
    ],
)
def test_a_malformed_form_is_refused(body: bytes, query_string: str, expected: str) -> None:
    with pytest.raises(AwsError) as caught:
        forms.read(form(body, query_string))
    assert caught.value.code == "MalformedQueryString"
    assert expected in caught.value.message


def test_the_largest_allowed_number_of_fields_is_read() -> None:
    assert len(forms.read(form(b"&".join(b"a%d=" % number for number in range(forms.MAX_FIELDS - 1))))) == 19_999


def test_the_tree_omits_the_action_and_the_signature() -> None:
    control = [
        "Action",
        "Version",
        "AWSAccessKeyId",
        "Signature",
        "SignatureMethod",
        "SignatureVersion",
        "Timestamp",
        "X-Amz-Date",
    ]
    assert forms.tree({"a.b.1": "x", "a.b.2": "y", "a.c": "", **dict.fromkeys(control, "z")}) == {
        "a": {"b": {"1": "x", "2": "y"}, "c": ""}
    }


@pytest.mark.parametrize(
    "fields", [{"a": "1", "a.b": "2"}, {"a.b": "1", "a": "2"}, {"a.b": "1", "a.b.c.d": "2"}, {".".join("a" * 25): "1"}]
)
def test_conflicting_and_too_deep_names_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(AwsError) as caught:
        forms.tree(fields)
    assert caught.value.code == "MalformedQueryString"
    assert next(reversed(fields)) in caught.value.message


def test_a_name_may_be_as_deep_as_a_shape() -> None:
    node: forms.Node | str = forms.tree({".".join("a" * 24): "1"})
    for _ in range(24):
        assert isinstance(node, dict)
        node = node["a"]
    assert node == "1"


@pytest.mark.parametrize(
    ("content_type", "is_form"),
    [
        ("application/x-www-form-urlencoded", True),
        (" Application/X-WWW-Form-Urlencoded ; charset=utf-8", True),
        ("application/x-www-form-urlencoded2", False),
        ("text/xml", False),
        (None, False),
    ],
)
def test_a_form_is_recognized_by_its_content_type(content_type: str | None, is_form: bool) -> None:
    headers = (("content-type", content_type),) if content_type is not None else ()
    assert forms.is_form(IncomingRequest("POST", "/", "", headers, b"", NetworkPath(), "r", MOMENT)) is is_form


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("", "MissingAction"),
        ("Action=", "MissingAction"),
        ("Action=GetRole&Version=2009-01-01", "InvalidAction"),
        ("Action=GetRole&Version=", "InvalidAction"),
    ],
)
def test_a_form_without_an_action_of_the_served_version_is_refused(fields: str, code: str) -> None:
    with pytest.raises(AwsError) as caught:
        forms.operation_name(form(fields.encode()), SERVED["iam"])
    assert caught.value.code == code


def test_a_form_names_its_action_with_or_without_a_version() -> None:
    for fields in (b"Action=GetRole", b"Action=GetRole&Version=2010-05-08"):
        assert forms.operation_name(form(fields), SERVED["iam"]) == "GetRole"


# Answers


def test_a_map_is_serialized_as_entries() -> None:
    summary = {"SummaryMap": {"Users": 5, "Roles": 0}}
    reply = query.serialize(operation_of("iam", "GetAccountSummary"), summary, "the-id")
    assert reply.headers == (("content-type", "text/xml"),)
    assert reply.body.decode().partition("\n")[2] == (
        '<GetAccountSummaryResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetAccountSummaryResult><SummaryMap>'
        "<entry><key>Users</key><value>5</value></entry><entry><key>Roles</key><value>0</value></entry>"
        "</SummaryMap></GetAccountSummaryResult><ResponseMetadata><RequestId>the-id</RequestId></ResponseMetadata>"
        "</GetAccountSummaryResponse>"
    )


def test_an_answer_without_output_still_has_its_request_id() -> None:
    reply = query.serialize(operation_of("iam", "DeleteRole"), {}, "the-id")
    assert reply.body.decode().partition("\n")[2] == (
        '<DeleteRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        "<ResponseMetadata><RequestId>the-id</RequestId></ResponseMetadata></DeleteRoleResponse>"
    )
    reply = ec2.serialize(operation_of("ec2", "DeleteVpc"), {}, "the-id")
    assert reply.body.decode().partition("\n")[2] == (
        '<DeleteVpcResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        "<requestId>the-id</requestId><return>true</return></DeleteVpcResponse>"
    )


def test_a_list_of_structures_is_serialized_as_items() -> None:
    result = {"RouteTables": [{"RouteTableId": "rtb-1", "Routes": []}, {"RouteTableId": "rtb-2", "VpcId": None}]}
    reply = ec2.serialize(operation_of("ec2", "DescribeRouteTables"), result, "the-id")
    assert reply.headers == (("content-type", "text/xml;charset=UTF-8"),)
    items = "<item><routeTableId>rtb-1</routeTableId><routeSet></routeSet></item>"
    assert f"<routeTableSet>{items}" in reply.body.decode()
    assert "<item><routeTableId>rtb-2</routeTableId></item></routeTableSet>" in reply.body.decode()


@pytest.mark.parametrize(("status", "fault"), [(409, "Sender"), (499, "Sender"), (500, "Receiver")])
def test_an_error_of_the_query_protocol_has_a_fault_type(status: int, fault: str) -> None:
    class Failure(AwsError):
        """An error for this test."""

        code = "Refused"

    Failure.status = status
    model = operation_of("iam", "GetRole").service_model
    reply = query.serialize_error(model, Failure("no <way>", {"Detail": "more"}), "the-id")
    assert reply.status == status
    assert reply.body.decode().partition("\n")[2] == (
        f'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>{fault}</Type><Code>Refused</Code>'
        "<Message>no &lt;way&gt;</Message><Detail>more</Detail></Error><RequestId>the-id</RequestId></ErrorResponse>"
    )
    reply = ec2.serialize_error(model, Failure("no", {"Detail": "more"}), "the-id")
    assert reply.body.decode().partition("\n")[2] == (
        "<Response><Errors><Error><Code>Refused</Code><Message>no</Message><Detail>more</Detail></Error></Errors>"
        "<RequestID>the-id</RequestID></Response>"
    )
