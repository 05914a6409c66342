"""CheckJob: each step of a call and its job separately, with a remedy; nothing is created."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError
from sqlalchemy import text

from reading_room.analysis.kinds import JOB_KINDS, PII
from reading_room.aws.models import operation_model, service_model
from reading_room.comprehend.models.models import MODEL_KINDS
from reading_room.extension.checks.check import NAMES
from reading_room.s3 import buckets
from tests.worlds.extension import (
    ACCOUNT,
    FOR_NETWORK,
    FOR_STORAGE,
    OTHER_ACCOUNT,
    REGION,
    ROLE,
    TRUST,
    ExtensionWorld,
    allow,
    deny,
    policy,
    refusal,
    trust,
)

pytestmark = pytest.mark.costs(0.3, reason="the whole product is made, with a network, a bucket and a role")

Checks = dict[str, dict[str, Any]]
NETWORK = ("Network", "Addresses", "DNS", "Route", "SecurityGroups")
STORAGE = ("Input", "Output", "Model", "BucketPolicy", "EndpointPolicy")


def statuses(checks: Checks, status: str) -> list[str]:
    """Return the names of the checks with a status, in order."""
    return [name for name, check in checks.items() if check["Status"] == status]


def failures(checks: Checks) -> list[str]:
    """Return the names of the checks that failed."""
    return statuses(checks, "FAILED")


def rows(world: ExtensionWorld) -> dict[str, list[Any]]:
    """Return all rows of the database, except the last uses of keys and the trail's heads, which follow every call."""
    with world.database.reading() as session:
        names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")).all()
        return {
            name: [tuple(row) for row in session.execute(text(f'SELECT * FROM "{name}"'))]
            for name in names
            if name not in ("iam_access_key_uses", "iam_role_uses", "trail_heads")
        }


def run(world: ExtensionWorld, command: str) -> None:
    """Run an AWS CLI command of a check by calling its operation."""
    for line in command.split(" && "):
        program, service, operation, *words = shlex.split(line)
        assert program == "aws"
        model = service_model(service).operation_model("".join(map(str.capitalize, operation.split("-"))))
        assert model.input_shape is not None
        members = {name.lower(): name for name in model.input_shape.members}
        given: dict[str, Any] = {}
        while words:
            name = words.pop(0).removeprefix("--").replace("-", "")
            member = members[name]
            values = []
            while words and not words[0].startswith("--"):
                values.append(words.pop(0))
            shape = model.input_shape.members[member].type_name
            given[member] = values if shape == "list" else _structure(values[0]) if shape == "structure" else values[0]
        getattr(world.client(service), operation.replace("-", "_"))(**given)


def _structure(word: str) -> dict[str, Any]:
    name, _, value = word.partition("=")
    return {name: value == "true" if value in ("true", "false") else value}


def test_a_job_that_would_run_needs_no_changes_and_nothing_is_created(world: ExtensionWorld) -> None:
    before = rows(world)
    checks = world.checks()
    assert list(checks) == list(NAMES)
    assert statuses(checks, "PASSED") == [name for name in NAMES if name != "Model"]
    assert statuses(checks, "SKIPPED") == ["Model"]
    assert all(check["Message"] for check in checks.values())
    assert not any("Remedy" in check or "Command" in check for check in checks.values())
    assert rows(world) == before
    job = world.client("comprehend").start_entities_detection_job(**world.request())["JobId"]
    world.product.jobs.controller.turn()
    world.product.jobs.controller.turn()
    answer = world.room().describe_job_runs(JobIds=[job])["JobRuns"][0]
    assert answer["Phase"] == "RUNNING", "what passes every check is prepared without a failure"


def test_the_model_has_every_check_and_every_operation_that_starts_work() -> None:
    shapes = service_model("reading-room")
    assert shapes.shape_for("CheckName").metadata["enum"] == list(NAMES)
    started = {kind.start for kind in JOB_KINDS} | {kind.create for kind in MODEL_KINDS.values()}
    assert set(shapes.shape_for("JobOperation").metadata["enum"]) == started


def test_an_invalid_request_is_reported_with_the_operations_message(world: ExtensionWorld) -> None:
    checks = world.checks(LanguageCode="xx")
    assert failures(checks) == ["Request"]
    assert "ValidationException" in checks["Request"]["Message"]
    assert checks["Caller"]["Status"] == "SKIPPED"
    checks = world.checks(operation="StartTargetedSentimentDetectionJob", LanguageCode="de")
    assert failures(checks) == ["Request"]
    start = world.client("comprehend").start_targeted_sentiment_detection_job
    real = refusal(start, **world.request(LanguageCode="de"))
    assert real[0] in checks["Request"]["Message"]
    assert real[1] in checks["Request"]["Message"]
    # Steps that do not depend on it are checked nevertheless.
    assert statuses(checks, "PASSED") == ["Caller", "PassRole", "Role", "RoleNetworkActions", *NETWORK]


@pytest.mark.parametrize(
    "request_text", ["", "[]", "{", '"a"', '{"InputDataConfig":', "null", '{"a": NaN}', "[" * 5000]
)
def test_text_that_is_not_a_request_fails_the_request_check(world: ExtensionWorld, request_text: str) -> None:
    if not request_text:
        with pytest.raises(ParamValidationError):
            world.room().check_job(Operation="StartEntitiesDetectionJob", Request=request_text)
        return
    answer = world.room().check_job(Operation="StartEntitiesDetectionJob", Request=request_text)["Checks"]
    assert [each["Name"] for each in answer] == list(NAMES)
    assert [each["Status"] for each in answer] == ["FAILED", *["SKIPPED"] * (len(NAMES) - 1)]


def test_an_operation_that_starts_nothing_cannot_be_checked(world: ExtensionWorld) -> None:
    assert refusal(world.room().check_job, Operation="DeleteEntityRecognizer", Request="{}")[0] == "ValidationException"
    assert refusal(world.room().check_job, Operation="StopEventsDetectionJob", Request="{}")[0] == "ValidationException"


def test_a_caller_who_may_not_start_jobs_sees_only_that(world: ExtensionWorld) -> None:
    nobody = world.user("nobody", allow("reading-room:*"))
    one = world.checks(nobody)
    other = world.checks(nobody, VpcConfig={"Subnets": ["subnet-0123456789abcdef0"], "SecurityGroupIds": ["sg-1"]})
    for checks in (one, other):
        assert failures(checks) == ["Caller"]
        assert statuses(checks, "SKIPPED") == [name for name in NAMES if name != "Caller"]
        assert "comprehend:StartEntitiesDetectionJob" in checks["Caller"]["Message"]
        for name in NAMES:
            if name != "Caller":
                assert checks[name] == one[name], "the same whatever else is in the request"
    request_id = one["Caller"]["Command"].rpartition(" ")[2]
    explained = world.room().explain_request(RequestId=request_id)
    assert [each["Action"] for each in explained["Denials"]] == ["comprehend:StartEntitiesDetectionJob"]


def test_a_deny_of_the_operation_itself_applies(world: ExtensionWorld) -> None:
    key = world.user("denied", allow("*"), deny("reading-room:CheckJob"))
    call = world.room(key).check_job
    code, message = refusal(call, Operation="StartEntitiesDetectionJob", Request=json.dumps(world.request()))
    assert code == "AccessDeniedException"
    assert "explicit deny" in message


def test_a_condition_on_the_network_is_decided_as_in_the_call(world: ExtensionWorld) -> None:
    forced = allow("comprehend:*", Condition={"ForAllValues:StringEquals": {"comprehend:VpcSubnets": [world.subnet]}})
    key = world.user("forced", forced, allow("iam:PassRole"))
    assert failures(world.checks(key)) == []
    other = {"Subnets": ["subnet-0123456789abcdef0"], "SecurityGroupIds": [world.group]}
    assert failures(world.checks(key, VpcConfig=other)) == ["Caller"]


def test_a_caller_who_may_not_pass_the_role_sees_nothing_about_it(world: ExtensionWorld) -> None:
    key = world.user("starter", allow("comprehend:*"))
    checks = world.checks(key)
    assert failures(checks) == ["PassRole"]
    assert statuses(checks, "PASSED") == ["Request", "Caller"]
    assert "iam:PassRole" in checks["PassRole"]["Message"]
    assert checks["PassRole"]["ResourceId"] == ROLE
    foreign = f"arn:aws:iam::{OTHER_ACCOUNT}:role/Reader"
    checks = world.checks(DataAccessRoleArn=foreign)
    assert failures(checks) == ["Request", "PassRole"]


def test_the_command_fixes_a_missing_role_and_a_missing_trust(
    world: ExtensionWorld,
) -> None:
    checks = world.checks(DataAccessRoleArn=f"arn:aws:iam::{ACCOUNT}:role/New")
    assert failures(checks) == ["Role"]
    assert "does not exist" in checks["Role"]["Message"]
    run(world, checks["Role"]["Command"])
    assert "Role" not in failures(world.checks(DataAccessRoleArn=f"arn:aws:iam::{ACCOUNT}:role/New"))
    for document in (trust({"Service": "ec2.amazonaws.com"}), TRUST.replace(ACCOUNT, OTHER_ACCOUNT)):
        world.client("iam").update_assume_role_policy(RoleName="Reader", PolicyDocument=document)
        checks = world.checks()
        assert failures(checks) == ["Role"]
        assert set(STORAGE) <= set(statuses(checks, "SKIPPED"))
        run(world, checks["Role"]["Command"])
        assert failures(world.checks()) == []


def test_a_trust_policy_for_one_kind_of_job_is_evaluated_with_the_jobs_arn(world: ExtensionWorld) -> None:
    arn = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/*"
    only = trust({"Service": "comprehend.amazonaws.com"}, Condition={"ArnLike": {"aws:SourceArn": arn}})
    world.client("iam").update_assume_role_policy(RoleName="Reader", PolicyDocument=only)
    assert failures(world.checks()) == []
    assert failures(world.checks(operation="StartKeyPhrasesDetectionJob")) == ["Role"]


def test_every_missing_ec2_action_is_named_and_the_command_adds_them(world: ExtensionWorld) -> None:
    world.allow_role(allow("ec2:Describe*"), FOR_STORAGE)
    checks = world.checks()
    assert failures(checks) == ["RoleNetworkActions"]
    for action in ("CreateNetworkInterface", "CreateNetworkInterfacePermission", "DeleteNetworkInterface"):
        assert f"ec2:{action}" in checks["RoleNetworkActions"]["Message"]
    assert "ec2:DescribeVpcs" not in checks["RoleNetworkActions"]["Remedy"]
    run(world, checks["RoleNetworkActions"]["Command"])
    assert failures(world.checks()) == []
    assert world.checks(VpcConfig=None)["RoleNetworkActions"]["Status"] == "SKIPPED"


def test_names_routes_and_groups_are_reported_together_and_their_commands_suffice(world: ExtensionWorld) -> None:
    ec2 = world.client("ec2")
    ec2.delete_vpc_endpoints(VpcEndpointIds=[world.endpoint])
    ec2.modify_vpc_attribute(VpcId=world.vpc, EnableDnsSupport={"Value": False})
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.revoke_security_group_egress(GroupId=world.group, IpPermissions=everything)
    checks = world.checks()
    assert failures(checks) == ["DNS", "Route", "SecurityGroups"]
    assert (checks["Route"]["ResourceId"], checks["SecurityGroups"]["ResourceId"]) == (world.table, world.group)
    assert set(STORAGE) <= set(statuses(checks, "SKIPPED"))
    run(world, checks["DNS"]["Command"])
    run(world, checks["Route"]["Command"])
    answer = world.checks()
    assert failures(answer) == ["SecurityGroups"]
    # Only the job's way to S3 is closed, so S3's policies can still be checked.
    assert answer["Input"]["Status"] == "PASSED"
    assert answer["EndpointPolicy"]["Status"] == "WARNING", "the endpoint of the command lets everybody through"
    listed = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": "pl-63a5400a"}]}
    words = shlex.split(checks["SecurityGroups"]["Command"])
    assert words[words.index("--ip-permissions") + 1] == (
        "IpProtocol=tcp,FromPort=443,ToPort=443,PrefixListIds=[{PrefixListId=pl-63a5400a}]"
    )
    ec2.authorize_security_group_egress(GroupId=world.group, IpPermissions=[listed])
    assert failures(world.checks()) == []


def test_a_missing_route_table_is_added_to_the_endpoint(world: ExtensionWorld) -> None:
    world.client("ec2").modify_vpc_endpoint(VpcEndpointId=world.endpoint, RemoveRouteTableIds=[world.table])
    checks = world.checks()
    assert failures(checks) == ["Route"]
    assert world.endpoint in checks["Route"]["Command"]
    run(world, checks["Route"]["Command"])
    assert failures(world.checks()) == []


def test_the_group_of_an_interface_endpoint_must_let_the_job_in(world: ExtensionWorld) -> None:
    closed = world.closed_endpoint()
    checks = world.checks()
    assert failures(checks) == ["SecurityGroups"]
    assert checks["SecurityGroups"]["ResourceId"] == closed
    words = shlex.split(checks["SecurityGroups"]["Command"])
    world.client("ec2").authorize_security_group_ingress(
        GroupId=words[words.index("--group-id") + 1],
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "UserIdGroupPairs": [{"GroupId": words[words.index("--source-group") + 1]}],
            }
        ],
    )
    checks = world.checks()
    assert failures(checks) == []
    assert checks["Route"]["ResourceId"] == world.endpoint


def test_several_containers_need_a_self_referencing_rule_and_addresses(world: ExtensionWorld) -> None:
    three = [{"Key": "reading-room:containers", "Value": "3"}]
    checks = world.checks(Tags=three)
    assert failures(checks) == ["Containers"]
    assert "3 containers" in checks["Containers"]["Message"]
    assert "--source-group" in checks["Containers"]["Command"]
    small = world.client("ec2").create_subnet(VpcId=world.vpc, CidrBlock="10.0.2.0/28")["Subnet"]["SubnetId"]
    config = {"Subnets": [small], "SecurityGroupIds": [world.group]}
    checks = world.checks(Tags=[{"Key": "reading-room:containers", "Value": "9"}], VpcConfig=config)
    assert failures(checks) == ["Addresses"]
    assert "11 free IP addresses" in checks["Addresses"]["Message"]
    assert (checks["Route"]["Status"], checks["Containers"]["Status"]) == ("PASSED", "SKIPPED")


def test_subnets_and_groups_of_another_account_do_not_exist(world: ExtensionWorld) -> None:
    stranger = world.user("stranger", allow("*"), account=OTHER_ACCOUNT)
    world.client("iam", stranger).create_role(
        RoleName="Reader", AssumeRolePolicyDocument=trust({"Service": "comprehend.amazonaws.com"})
    )
    checks = world.checks(stranger, DataAccessRoleArn=f"arn:aws:iam::{OTHER_ACCOUNT}:role/Reader")
    assert failures(checks) == ["Network"]
    assert checks["Network"]["Message"] == f"The subnet {world.subnet} does not exist."


def test_missing_s3_permissions_fail_the_input_and_output_checks(world: ExtensionWorld) -> None:
    world.allow_role(FOR_NETWORK)
    checks = world.checks()
    assert failures(checks) == ["Input", "Output"]
    assert "s3:ListBucket" in checks["Input"]["Message"]
    run(world, checks["Input"]["Command"])
    assert failures(world.checks()) == ["Output"]
    run(world, checks["Output"]["Command"])
    assert failures(world.checks()) == []


def test_pdf_and_word_documents_are_named_before_the_job_is_started(world: ExtensionWorld) -> None:
    s3 = world.client("s3")
    for key in ("letters/a.txt", "letters/scan.PDF", "letters/old/report.docx", "letters/x.pdf.txt"):
        s3.put_object(Bucket="papers", Key=key, Body=b"x")
    answer = world.checks(InputDataConfig={"S3Uri": "s3://papers/letters/"})["Input"]
    assert answer["Status"] == "WARNING"
    assert answer["Message"].endswith("get an error instead of a result: old/report.docx, scan.PDF.")
    assert "reading-room:documents=any" in answer["Remedy"]
    each = {"S3Uri": "s3://papers/letters/", "InputFormat": "ONE_DOC_PER_FILE"}
    tags = [{"Key": "reading-room:documents", "Value": "any"}]
    assert world.checks(InputDataConfig=each, Tags=tags)["Input"]["Status"] == "PASSED"
    assert world.checks(InputDataConfig={"S3Uri": "s3://papers/letters/a"})["Input"]["Status"] == "PASSED"


def test_missing_buckets_and_objects_are_reported_to_permitted_callers(world: ExtensionWorld) -> None:
    checks = world.checks(InputDataConfig={"S3Uri": "s3://papers/nothing/"})
    assert failures(checks) == ["Input"]
    assert "No object's key begins with s3://papers/nothing/." in checks["Input"]["Message"]
    world.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[world.endpoint])
    world.make_endpoint(allow("*", Principal="*"))
    checks = world.checks(OutputDataConfig={"S3Uri": "s3://no-such-bucket/out"})
    assert failures(checks) == ["Output"]
    assert checks["Output"]["Message"] == "The bucket no-such-bucket does not exist."
    world.allow_role(FOR_NETWORK)
    for place in ("s3://papers/nothing/", "s3://no-such-bucket/in"):
        answer = world.checks(InputDataConfig={"S3Uri": place})["Input"]["Message"]
        assert "s3:ListBucket" in answer
        assert "exist" not in answer


def test_the_denying_policy_is_named(world: ExtensionWorld) -> None:
    s3 = world.client("s3")
    elsewhere = {"StringNotEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}
    denial = deny("s3:GetObject", resource="arn:aws:s3:::papers/*", Principal="*", Sid="OnlyThere", Condition=elsewhere)
    s3.put_bucket_policy(Bucket="papers", Policy=policy(denial))
    checks = world.checks()
    assert failures(checks) == ["BucketPolicy"]
    assert "OnlyThere" in checks["BucketPolicy"]["Message"]
    assert checks["BucketPolicy"]["ResourceId"] == "papers"
    assert (checks["Input"]["Status"], checks["Output"]["Status"]) == ("SKIPPED", "PASSED")
    assert "BucketPolicy" in checks["Input"]["Message"]
    # The same policy allows the endpoint that the job would use, since its id is in the condition keys.
    s3.put_bucket_policy(Bucket="papers", Policy=policy(denial).replace("vpce-0123456789abcdef0", world.endpoint))
    assert failures(world.checks()) == []
    assert failures(world.checks(VpcConfig=None)) == ["BucketPolicy"]
    s3.delete_bucket_policy(Bucket="papers")
    world.client("ec2").modify_vpc_endpoint(
        VpcEndpointId=world.endpoint,
        PolicyDocument=policy(allow("s3:GetObject", "s3:ListBucket", Principal="*")),
    )
    checks = world.checks()
    assert failures(checks) == ["EndpointPolicy"]
    assert "s3:PutObject" in checks["EndpointPolicy"]["Message"]
    assert checks["EndpointPolicy"]["ResourceId"] == world.endpoint
    assert (checks["Input"]["Status"], checks["Output"]["Status"]) == ("PASSED", "SKIPPED")


def test_an_endpoint_open_to_everyone_is_a_warning(world: ExtensionWorld) -> None:
    world.client("ec2").modify_vpc_endpoint(VpcEndpointId=world.endpoint, ResetPolicy=True)
    checks = world.checks()
    assert failures(checks) == []
    assert statuses(checks, "WARNING") == ["EndpointPolicy"]
    assert "lets in requests from every account" in checks["EndpointPolicy"]["Message"]


def test_the_policy_of_another_accounts_bucket_is_not_revealed(world: ExtensionWorld) -> None:
    with world.database.transaction() as session:
        buckets.create(session, "theirs", OTHER_ACCOUNT, REGION, world.now)
    secret = deny("s3:*", resource="arn:aws:s3:::theirs/*", Principal="*", Sid="Secret")
    open_list = allow("s3:ListBucket", resource="arn:aws:s3:::theirs", Principal={"AWS": ACCOUNT})
    with world.database.transaction() as session:
        buckets.put_policy(session, "theirs", policy(secret, open_list))
    checks = world.checks(InputDataConfig={"S3Uri": "s3://theirs/in/"}, VpcConfig=None)
    assert failures(checks) == ["Input"], "an empty listing is theirs to give"
    world.backend.put("theirs", "in/one", b"x", "text/plain")
    checks = world.checks(InputDataConfig={"S3Uri": "s3://theirs/in/"}, VpcConfig=None)
    assert failures(checks) == ["Input"]
    assert "access denied" in checks["Input"]["Message"]
    assert "Secret" not in json.dumps(checks)


def test_a_training_needs_access_to_its_model_bucket_through_the_endpoint(world: ExtensionWorld) -> None:
    request = world.training()
    checks = world.checks(operation="CreateDocumentClassifier", request=request)
    # The world's endpoint allows its own bucket, and the service by its account.
    assert failures(checks) == ["EndpointPolicy"]
    assert "reading-room-models" in checks["EndpointPolicy"]["Message"]
    world.client("ec2").modify_vpc_endpoint(VpcEndpointId=world.endpoint, ResetPolicy=True)
    checks = world.checks(operation="CreateDocumentClassifier", request=request)
    assert failures(checks) == []
    assert (checks["Model"]["Status"], checks["Output"]["Status"]) == ("PASSED", "SKIPPED")
    world.client("comprehend").create_document_classifier(**request)
    checks = world.checks(operation="CreateDocumentClassifier", request=request)
    assert failures(checks) == ["Request"]
    assert "ResourceInUseException" in checks["Request"]["Message"]


def test_a_missing_model_is_reported_like_the_operation_does(world: ExtensionWorld) -> None:
    request = world.request(
        LanguageCode=None,
        DocumentClassifierArn=f"arn:aws:comprehend:{REGION}:{ACCOUNT}:document-classifier/none",
    )
    checks = world.checks(operation="StartDocumentClassificationJob", request=request)
    assert failures(checks) == ["Request"]
    assert "ResourceNotFoundException" in checks["Request"]["Message"]


def test_a_used_client_token_is_reported(world: ExtensionWorld) -> None:
    request = world.request(ClientRequestToken="again")
    job = world.client("comprehend").start_entities_detection_job(**request)["JobId"]
    assert job in world.checks(request=request)["Request"]["Message"]
    checks = world.checks(request={**request, "JobName": "another"})
    assert failures(checks) == ["Request"]
    assert "ResourceInUseException" in checks["Request"]["Message"]


@pytest.mark.parametrize("name", ["Reader; rm -rf /", "Reader$(id)", "Reader'--profile", "Reader`id`"])
def test_hostile_names_are_quoted_in_commands(world: ExtensionWorld, name: str) -> None:
    checks = world.checks(DataAccessRoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}")
    command = checks.get("Role", {}).get("Command", "")
    if command:
        words = shlex.split(command)
        assert words[words.index("--role-name") + 1] == name.rpartition("/")[2]
        assert words[:3] == ["aws", "iam", "create-role"]
    else:
        assert failures(checks) == ["Request"]


def test_every_operation_that_starts_work_can_be_checked(world: ExtensionWorld) -> None:
    for kind in JOB_KINDS:
        model = operation_model("comprehend", kind.start)
        assert model is not None
        assert model.input_shape is not None
        language = None if "LanguageCode" not in model.input_shape.members else "en"
        network = {"VpcConfig": None} if kind.vpc_tag else {}
        checks = world.checks(operation=kind.start, LanguageCode=language, **kind.required, **network)
        assert checks["Caller"]["Status"] == "PASSED", kind.start
        assert failures(checks) in ([], ["Request"]), kind.start


def test_a_job_whose_tag_names_its_network_is_checked_like_one_with_a_vpc_config(world: ExtensionWorld) -> None:
    config = world.request()["VpcConfig"]
    job: dict[str, Any] = {"operation": PII.start, "VpcConfig": None, **PII.required}
    value = " ".join([*config["Subnets"], *config["SecurityGroupIds"]])
    tagged = world.checks(**job, Tags=[{"Key": "reading-room:vpc", "Value": value}])
    assert failures(tagged) == []
    plain = world.checks()
    for name in ("RoleNetworkActions", "Network", "Addresses", "DNS", "Route", "SecurityGroups", "EndpointPolicy"):
        assert tagged[name] == plain[name]
    without = world.checks(**job)
    assert without["Network"]["Status"] == "SKIPPED"
    assert "no tag reading-room:vpc" in without["Network"]["Message"]
