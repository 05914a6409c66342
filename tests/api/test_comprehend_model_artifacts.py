"""How models are stored and who can access them: no user, no other job, and never an incomplete artifact."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.analysis.job_file import Done, Failed, ModelPlace, Ready, no_model_access
from reading_room.comprehend.tables import ModelRow
from reading_room.containers.spec import ContainerSpec
from reading_room.s3 import buckets, service_bucket, service_bucket_name
from tests.worlds.models import (
    ACCOUNT,
    BUCKET,
    CONTENT,
    DIGEST,
    REGION,
    ROLE,
    ModelWorld,
    classifier_request,
    held,
    recognizer_request,
    refused,
    start,
)

pytestmark = pytest.mark.costs(
    0.35, reason="it starts the whole product, and the controller handles trainings and jobs"
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ModelWorld]:
    world = ModelWorld(tmp_path)
    yield world
    world.close()


def status(world: ModelWorld, arn: str) -> str:
    shown = world.client.describe_document_classifier(DocumentClassifierArn=arn)
    return str(shown["DocumentClassifierProperties"]["Status"])


def message(world: ModelWorld, arn: str) -> str:
    shown = world.client.describe_document_classifier(DocumentClassifierArn=arn)
    return str(shown["DocumentClassifierProperties"]["Message"])


def without_ids(text: str) -> str:
    """Return a message without model and request ids, which differ between calls."""
    return re.sub(r"request [^)]+|[0-9a-f]{32}", "…", text)


def create(world: ModelWorld, **changes: Any) -> str:
    return str(world.client.create_document_classifier(**classifier_request(**changes))["DocumentClassifierArn"])


# Incomplete models


@pytest.mark.parametrize(
    ("content", "members", "words"),
    [
        (b"half of it", {}, "SHA-256"),
        (CONTENT, {"sha256": "0" * 64}, "SHA-256"),
        (CONTENT, {"size": 1}, "1 bytes"),
        (CONTENT, {"metadata": ""}, "not JSON"),
        (CONTENT, {"metadata": '{"NumberOfLabels": 2, "Extra": 1}'}, "lacks members or has unknown ones"),
        (CONTENT, {"metadata": "[" * 5000}, "not JSON"),
        (CONTENT, {"metadata": json.dumps({"x": "y" * 200_000})}, "more than 100000"),
    ],
)
def test_an_artifact_that_does_not_match_the_workers_report_makes_no_model(
    world: ModelWorld, content: bytes, members: dict[str, Any], words: str
) -> None:
    arn = create(world)
    spec = world.started()
    assert spec.job.model is not None
    world.finish(spec, content, **members)
    assert status(world, arn) == "IN_ERROR"
    assert message(world, arn).startswith("INTERNAL_ERROR: ")
    assert words in message(world, arn)
    assert not held(world, spec.job.model.artifact.key)
    code, _ = refused(
        world.client.start_document_classification_job,
        DocumentClassifierArn=arn,
        InputDataConfig={"S3Uri": "s3://papers/in/"},
        OutputDataConfig={"S3Uri": "s3://papers/out/"},
        DataAccessRoleArn=ROLE,
    )
    assert code == "ResourceUnavailableException"


def test_a_training_that_reports_success_without_an_artifact_makes_no_model(world: ModelWorld) -> None:
    arn = create(world)
    world.says(world.started(), Done(1, 0, 10, "0" * 64, metadata="{}"), phase="exited")
    assert status(world, arn) == "IN_ERROR"
    assert "the object is missing" in message(world, arn)


def test_a_training_that_is_killed_repeatedly_leaves_nothing_behind(world: ModelWorld) -> None:
    arn = create(world)
    keys = set()
    for attempt in (1, 2, 3):
        (spec,) = world.wanted() or (world.started(),)
        assert spec.job.attempt == attempt
        assert spec.job.model is not None
        keys.add(spec.job.model.artifact.key)
        world.backend.put(BUCKET, spec.job.model.artifact.key, b"half", "application/octet-stream")
        world.says(spec, Ready(), phase="lost")
    assert status(world, arn) == "IN_ERROR"
    assert "lost 3 times" in message(world, arn)
    (key,) = keys
    assert not held(world, key)


def test_an_unfinished_upload_of_an_artifact_is_aborted(world: ModelWorld) -> None:
    create(world)
    spec = world.started()
    assert spec.job.model is not None
    key = spec.job.model.artifact.key
    world.s3_of(spec).create_multipart_upload(Bucket=BUCKET, Key=key)
    world.says(spec, Failed("INTERNAL_ERROR", "no more memory"))
    assert world.backend.abort_uploads(BUCKET, key) == 0


# The inputs of jobs with models and of trainings


def limits(spec: ContainerSpec) -> tuple[int, int, int]:
    return spec.job.document_limit, spec.job.total_limit, spec.job.documents_limit


def test_jobs_with_models_and_trainings_get_their_limits(world: ModelWorld) -> None:
    create(world)
    training = world.started()
    assert limits(training) == (10_000_000, 5_000_000_000, 1_000_000)
    world.finish(training)
    start(world, f"arn:aws:comprehend:{REGION}:{ACCOUNT}:document-classifier/tickets")
    classification = world.started()
    assert limits(classification) == (10_485_760, 5_000_000_000, 1_000_000)
    world.says(classification, Failed("INTERNAL_ERROR", "enough"))
    arn = world.client.create_entity_recognizer(**recognizer_request())["EntityRecognizerArn"]
    training = world.started()
    assert limits(training) == (10_000_000, 209_715_200, 200_000)
    world.finish(training)
    world.client.start_entities_detection_job(
        EntityRecognizerArn=arn,
        LanguageCode="en",
        InputDataConfig={"S3Uri": "s3://papers/in/"},
        OutputDataConfig={"S3Uri": "s3://papers/out/"},
        DataAccessRoleArn=ROLE,
    )
    assert limits(world.started()) == (1_048_576, 5_000_000_000, 1_000_000)


# Access


def test_no_user_can_list_read_or_write_the_bucket_of_models(world: ModelWorld) -> None:
    arn = world.train()
    key = _key(world, arn)
    for number, account in enumerate((ACCOUNT, "444455556666", "000000000000")):
        s3 = world.client_of(f"user-{number}", account=account, service="s3")
        assert BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
        for call, more in (
            (s3.list_objects_v2, {}),
            (s3.get_object, {"Key": key}),
            (s3.put_object, {"Key": key, "Body": b"x"}),
            (s3.delete_object, {"Key": key}),
            (s3.get_bucket_policy, {}),
            (s3.put_bucket_policy, {"Policy": "{}"}),
            (s3.delete_bucket, {}),
            (s3.list_multipart_uploads, {}),
        ):
            assert refused(call, Bucket=BUCKET, **more)[0] == "AccessDenied", call
        assert refused(s3.create_bucket, Bucket=BUCKET)[0] == "BucketAlreadyExists"
    assert status(world, arn) == "TRAINED"


def test_a_bucket_with_that_name_in_another_account_is_never_used(world: ModelWorld) -> None:
    with world.database.transaction() as session:
        name = service_bucket_name.bucket_name("eu-west-1")
        buckets.create(session, name, "444455556666", "eu-west-1", world.now)
        with pytest.raises(service_bucket.ServiceBucketTaken, match="444455556666"):
            service_bucket.ensure(session, "eu-west-1", world.now)


def test_the_session_of_a_training_can_only_write_its_artifact(world: ModelWorld) -> None:
    other = _key(world, world.train())
    create(world, VersionName="v2")
    spec = world.started()
    assert spec.job.model is not None
    s3, key = world.s3_of(spec), spec.job.model.artifact.key
    s3.put_object(Bucket=BUCKET, Key=key, Body=CONTENT)
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload)
    for call, more in (
        (s3.get_object, {"Key": key}),
        (s3.delete_object, {"Key": key}),
        (s3.put_object, {"Key": key + "2", "Body": b"x"}),
        (s3.put_object, {"Key": other, "Body": b"x"}),
        (s3.get_object, {"Key": other}),
        (s3.list_objects_v2, {}),
    ):
        assert refused(call, Bucket=BUCKET, **more)[0] == "AccessDenied", (call, more)
    assert refused(s3.list_buckets)[0] == "AccessDenied"


def test_the_session_of_a_job_can_only_read_its_model(world: ModelWorld) -> None:
    arn = world.train()
    start(world, arn)
    spec = world.started()
    key = _key(world, arn)
    assert spec.job.model is not None
    s3 = world.s3_of(spec)
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == CONTENT
    for call, more in (
        (s3.put_object, {"Key": key, "Body": b"x"}),
        (s3.delete_object, {"Key": key}),
        (s3.create_multipart_upload, {"Key": key}),
    ):
        assert refused(call, Bucket=BUCKET, **more)[0] == "AccessDenied", call


def test_the_session_is_refused_elsewhere_and_after_the_job(world: ModelWorld) -> None:
    create(world)
    spec = world.started()
    assert spec.job.model is not None
    key = spec.job.model.artifact.key
    elsewhere = world.s3_of(spec, address="198.18.9.9")
    assert refused(elsewhere.put_object, Bucket=BUCKET, Key=key, Body=b"x")[0] == "AccessDenied"
    s3 = world.s3_of(spec)
    s3.put_object(Bucket=BUCKET, Key=key, Body=CONTENT)
    world.finish(spec)
    assert refused(s3.put_object, Bucket=BUCKET, Key=key, Body=b"x")[0] == "InvalidAccessKeyId"


def test_credentials_are_given_only_to_the_jobs_interface_at_its_two_paths(world: ModelWorld) -> None:
    create(world)
    spec = world.started()
    assert spec.job.model is not None
    own, models = spec.credentials_path, spec.job.model.credentials_path
    assert own != models
    role, service = world.fetch(spec, own), world.fetch(spec, models)
    assert role is not None
    assert service is not None
    assert role["RoleArn"] == ROLE
    assert service["RoleArn"] == service_bucket.ROLE_ARN
    assert role["AccessKeyId"] != service["AccessKeyId"]
    assert world.fetch(spec, models, address="198.18.200.200") is None
    assert world.fetch(spec, models + "x") is None
    # A job without a model has only the first path.
    world.client.start_dominant_language_detection_job(
        InputDataConfig={"S3Uri": "s3://papers/in/"},
        OutputDataConfig={"S3Uri": "s3://papers/out/"},
        DataAccessRoleArn=ROLE,
    )
    world.turn(2)
    plain = next(each for each in world.wanted() if each.job.kind == "dominant-language")
    assert plain.job.model is None
    assert world.fetch(plain, models) is None


@pytest.mark.costs(0.45, reason="it creates a network with gateways, a training and a job")
def test_through_gateways_a_model_is_reached_from_their_addresses(world: ModelWorld) -> None:
    ec2 = world.client_of("network", service="ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    public = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.2.0/24")["Subnet"]["SubnetId"]
    group = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"][0]["GroupId"]
    main = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]["RouteTableId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=public)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    allocation = ec2.allocate_address(Domain="vpc")
    nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=allocation["AllocationId"])["NatGateway"]["NatGatewayId"]
    ec2.create_route(RouteTableId=main, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    create(world, VpcConfig={"SecurityGroupIds": [group], "Subnets": [subnet]})
    spec = world.started()
    assert spec.job.model is not None
    key = spec.job.model.artifact.key
    world.s3_of(spec, address=allocation["PublicIp"]).put_object(Bucket=BUCKET, Key=key, Body=CONTENT)
    (address,) = ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["NatGatewayAddresses"]
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=[table])[
        "VpcEndpoint"
    ]["VpcEndpointId"]
    world.s3_of(spec, endpoint, address["PrivateIp"]).put_object(Bucket=BUCKET, Key=key, Body=CONTENT)
    own = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(AllocationId=own["AllocationId"], NetworkInterfaceId=spec.interface_id)
    world.s3_of(spec, address=own["PublicIp"]).put_object(Bucket=BUCKET, Key=key, Body=CONTENT)
    for elsewhere in (world.s3_of(spec, address="198.18.9.9"), world.s3_of(spec, endpoint, "10.0.1.99")):
        assert refused(elsewhere.put_object, Bucket=BUCKET, Key=key, Body=CONTENT)[0] == "AccessDenied"


@pytest.mark.costs(0.5, reason="it creates a network with an endpoint, a training and a job")
def test_a_job_fails_and_names_the_endpoint_whose_policy_denies_the_bucket(world: ModelWorld) -> None:
    ec2 = world.client_of("network", service="ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"][0]["GroupId"]
    table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]["RouteTableId"]
    own = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::training*"}],
    }
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName="com.amazonaws.us-east-1.s3",
        RouteTableIds=[table],
    )["VpcEndpoint"]["VpcEndpointId"]
    arn = create(world, VpcConfig={"SecurityGroupIds": [group], "Subnets": [subnet]})
    spec = world.started()
    assert spec.job.model is not None
    # The check before the start passed, because the policy changed only afterwards.
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PolicyDocument=json.dumps(own))
    s3, key = world.s3_of(spec, endpoint), spec.job.model.artifact.key
    code, text = refused(s3.put_object, Bucket=BUCKET, Key=key, Body=CONTENT)
    assert code == "AccessDenied"
    assert "no VPC endpoint policy allows the s3:PutObject action" in text
    # What the container then reports; the service adds the endpoint.
    reported = f"{no_model_access(BUCKET)} s3:PutObject on s3://{BUCKET}/{key}: {text}"
    world.says(spec, Failed("NO_ACCESS_TO_MODEL_BUCKET", reported))
    assert status(world, arn) == "IN_ERROR"
    assert BUCKET in message(world, arn)
    assert endpoint in message(world, arn)
    # The next job gets the same error without a container.
    first_message = message(world, arn)
    arn = create(world, VersionName="early", VpcConfig={"SecurityGroupIds": [group], "Subnets": [subnet]})
    world.turn(3)
    assert world.wanted() == ()
    assert status(world, arn) == "IN_ERROR"
    assert without_ids(message(world, arn)) == without_ids(first_message)
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, ResetPolicy=True)
    arn = create(world, VersionName="v2", VpcConfig={"SecurityGroupIds": [group], "Subnets": [subnet]})
    spec = world.started()
    assert spec.job.model is not None
    world.s3_of(spec, endpoint).put_object(Bucket=BUCKET, Key=spec.job.model.artifact.key, Body=CONTENT)
    elsewhere = world.s3_of(spec)
    denied = refused(elsewhere.put_object, Bucket=BUCKET, Key=spec.job.model.artifact.key, Body=CONTENT)
    assert denied[0] == "AccessDenied"


# Jobs with models


def test_a_job_gets_the_artifact_and_its_digest(world: ModelWorld) -> None:
    arn = world.train()
    answer = start(world, arn)
    assert answer["DocumentClassifierArn"] == arn
    spec = world.started()
    assert (spec.engine, spec.job.kind) == ("classification", "classification")
    assert isinstance(spec.job.model, ModelPlace)
    assert spec.job.model.sha256 == DIGEST
    assert (spec.job.model.artifact.bucket, spec.job.model.artifact.key) == (BUCKET, _key(world, arn))
    shown = world.client.describe_document_classification_job(JobId=answer["JobId"])
    assert shown["DocumentClassificationJobProperties"]["DocumentClassifierArn"] == arn


def test_an_entities_job_can_use_a_recognizer(world: ModelWorld) -> None:
    arn = world.client.create_entity_recognizer(**recognizer_request())["EntityRecognizerArn"]
    world.finish(world.started())
    answer = world.client.start_entities_detection_job(
        EntityRecognizerArn=arn,
        LanguageCode="en",
        InputDataConfig={"S3Uri": "s3://papers/in/"},
        OutputDataConfig={"S3Uri": "s3://papers/out/"},
        DataAccessRoleArn=ROLE,
    )
    assert answer["EntityRecognizerArn"] == arn
    spec = world.started()
    assert (spec.engine, spec.job.kind) == ("custom-entities", "custom-entities")


def test_a_job_with_a_recognizer_has_the_recognizers_language_whatever_the_request_says(world: ModelWorld) -> None:
    arn = world.client.create_entity_recognizer(**recognizer_request(LanguageCode="de"))["EntityRecognizerArn"]
    world.finish(world.started())
    answer = world.client.start_entities_detection_job(
        EntityRecognizerArn=arn,
        LanguageCode="ar",
        InputDataConfig={"S3Uri": "s3://papers/in/"},
        OutputDataConfig={"S3Uri": "s3://papers/out/"},
        DataAccessRoleArn=ROLE,
    )
    assert world.started().job.language == "de"
    shown = world.client.describe_entities_detection_job(JobId=answer["JobId"])
    assert shown["EntitiesDetectionJobProperties"]["LanguageCode"] == "de"


def test_a_job_cannot_use_a_missing_or_untrained_model(world: ModelWorld) -> None:
    request = {
        "InputDataConfig": {"S3Uri": "s3://papers/in/"},
        "OutputDataConfig": {"S3Uri": "s3://papers/out/"},
        "DataAccessRoleArn": ROLE,
    }
    begin = world.client.start_document_classification_job
    arn = create(world)
    code, text = refused(begin, DocumentClassifierArn=arn, **request)
    assert code == "ResourceUnavailableException"
    assert "SUBMITTED" in text
    assert refused(begin, DocumentClassifierArn=f"{arn}/version/none", **request)[0] == "ResourceNotFoundException"
    assert refused(begin, **request)[0] == "InvalidRequestException"


def test_a_caller_needs_permission_for_the_model_and_for_the_job(world: ModelWorld) -> None:
    arn = world.train()
    jobs = f"arn:aws:comprehend:us-east-1:{ACCOUNT}:document-classification-job/*"
    for number, resources in enumerate(([arn], [jobs], [arn, jobs])):
        policy = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"},
                    {"Effect": "Allow", "Action": "comprehend:Start*", "Resource": resources},
                ],
            }
        )
        client = world.client_of(f"caller-{number}", policy)
        request = {
            "DocumentClassifierArn": arn,
            "InputDataConfig": {"S3Uri": "s3://papers/in/"},
            "OutputDataConfig": {"S3Uri": "s3://papers/out/"},
            "DataAccessRoleArn": ROLE,
        }
        if len(resources) == 2:
            client.start_document_classification_job(**request)
        else:
            assert refused(client.start_document_classification_job, **request)[0] == "AccessDeniedException"


def test_a_model_that_a_job_uses_cannot_be_deleted(world: ModelWorld) -> None:
    arn = world.train()
    job = start(world, arn)["JobId"]
    code, text = refused(world.client.delete_document_classifier, DocumentClassifierArn=arn)
    assert code == "ResourceInUseException"
    assert job in text
    spec = world.started()
    world.says(spec, Failed("INPUT_NOT_FOUND", "no object's key begins with s3://papers/in/"))
    key = _key(world, arn)
    world.client.delete_document_classifier(DocumentClassifierArn=arn)
    world.turn()
    assert not held(world, key)
    shown = world.client.describe_document_classification_job(JobId=job)["DocumentClassificationJobProperties"]
    assert shown["DocumentClassifierArn"] == arn


# Imports


def test_an_imported_model_has_the_same_artifact_but_is_independent(world: ModelWorld) -> None:
    source = world.train()
    answer = world.client.import_model(SourceModelArn=source, ModelName="copy", VersionName="v1")
    arn = answer["ModelArn"]
    assert arn.endswith(":document-classifier/copy/version/v1")
    assert status(world, arn) == "SUBMITTED"
    world.turn()
    shown = world.client.describe_document_classifier(DocumentClassifierArn=arn)["DocumentClassifierProperties"]
    assert shown["Status"] == "TRAINED"
    assert shown["SourceModelArn"] == source
    assert shown["ClassifierMetadata"]["NumberOfLabels"] == 2
    assert "InputDataConfig" not in shown
    world.client.delete_document_classifier(DocumentClassifierArn=source)
    world.turn()
    start(world, arn)
    spec = world.started()
    assert spec.job.model is not None
    assert spec.job.model.sha256 == DIGEST
    assert world.s3_of(spec).get_object(Bucket=BUCKET, Key=spec.job.model.artifact.key)["Body"].read() == CONTENT


def test_an_import_is_refused_if_untrained_if_the_name_is_taken_or_if_the_artifact_changed(world: ModelWorld) -> None:
    waiting = create(world, DocumentClassifierName="waiting")
    code, _ = refused(world.client.import_model, SourceModelArn=waiting, ModelName="copy")
    assert code == "ResourceUnavailableException"
    world.client.stop_training_document_classifier(DocumentClassifierArn=waiting)
    source = world.train()
    assert refused(world.client.import_model, SourceModelArn=source)[0] == "ResourceInUseException"
    code, _ = refused(world.client.import_model, SourceModelArn=source, ModelName="copy", ModelKmsKeyId="key")
    assert code == "KmsKeyValidationException"
    world.backend.put(BUCKET, _key(world, source), b"something else", "application/octet-stream")
    arn = world.client.import_model(SourceModelArn=source, ModelName="copy")["ModelArn"]
    world.turn()
    assert status(world, arn) == "IN_ERROR"
    assert message(world, arn).startswith("MODEL_TAMPERED: ")


def _key(world: ModelWorld, arn: str) -> str:
    with world.database.reading() as session:
        return session.get_one(ModelRow, arn).artifact_uri.removeprefix(f"s3://{BUCKET}/")
