"""The whole product in one process, without hosts: the tests play the container that trains or uses a model."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.agent.spec import HostReport
from reading_room.analysis.job_file import Done, WorkerMessage
from reading_room.aws.call import NetworkPath
from reading_room.aws.receive import PATH_KEY
from reading_room.client import InProcess
from reading_room.containers.spec import ContainerSpec, ContainerState
from reading_room.iam import inline_policies, roles, users
from reading_room.iam.container_credentials import ContainerCredentials
from reading_room.jobs.credentials import owners
from reading_room.jobs.desired import containers
from reading_room.jobs.record import LOCAL_HOST
from reading_room.s3.backends.memory import memory_backend
from reading_room.settings import Settings
from reading_room.traces.recorder import Traces
from reading_room.traces.spool import Spool
from reading_room.vpc.tables import NetworkInterface
from reading_room.wiring.product import Product
from tests.worlds import databases
from tests.worlds.comprehend import ALLOW_ALL, EchoEngines

ACCOUNT, OTHER_ACCOUNT, REGION = "111122223333", "444455556666", "us-east-1"
BUCKET = f"reading-room-models-{REGION}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Reader"
CONTENT = b"arrays and a vocabulary"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
CLASSIFIER_METADATA: dict[str, Any] = {
    "NumberOfLabels": 2,
    "NumberOfTrainedDocuments": 90,
    "NumberOfTestDocuments": 10,
    "EvaluationMetrics": {
        "Accuracy": 0.9,
        "Precision": 0.9,
        "Recall": 0.9,
        "F1Score": 0.9,
        "MicroPrecision": 0.9,
        "MicroRecall": 0.9,
        "MicroF1Score": 0.9,
        "HammingLoss": 0.1,
    },
}
RECOGNIZER_METADATA: dict[str, Any] = {
    "NumberOfTrainedDocuments": 90,
    "NumberOfTestDocuments": 10,
    "EvaluationMetrics": {"Precision": 98.5, "Recall": 100.0, "F1Score": 99.2},
    "EntityTypes": [
        {
            "Type": "ENGINEER",
            "EvaluationMetrics": {"Precision": 98.5, "Recall": 100.0, "F1Score": 99.2},
            "NumberOfTrainMentions": 200,
        }
    ],
}


class ModelWorld:
    """One account with an administrator and a data access role; its clock changes only when a test changes it.

    With ``share``, that part of calls is traced, and ``traces`` has their spans.
    """

    def __init__(self, folder: Path, share: float | None = None, **settings: Any) -> None:
        self.now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        self.database = databases.made(folder / "db.sqlite", ACCOUNT)
        self.backend = memory_backend(self.database, REGION, self.clock)
        self.engines = EchoEngines()
        self.spool = Spool(folder / "traces")
        self.traces = None if share is None else Traces(self.database, self.spool, share)
        self.product = Product(
            settings=Settings(data=folder, account=ACCOUNT, **settings),
            database=self.database,
            backend=self.backend,
            engines=self.engines,
            clock=self.clock,
            traces=self.traces,
        )
        self.product.first_start()
        self.process = InProcess(self.product.app)
        self.inside = InProcess(self.product.objects.app_in_vpcs)
        trust = {"Effect": "Allow", "Principal": {"Service": "comprehend.amazonaws.com"}, "Action": "sts:AssumeRole"}
        with self.database.transaction() as session:
            role = roles.create(
                session, ACCOUNT, "Reader", json.dumps({"Version": "2012-10-17", "Statement": trust}), self.now
            )
            inline_policies.put(session, "role", role.unique_id, "Reader", "All", ALLOW_ALL)
        self.client = self.client_of("worker")

    def clock(self) -> dt.datetime:
        """Return the world's time."""
        return self.now

    def client_of(
        self, name: str, policy: str = ALLOW_ALL, account: str = ACCOUNT, service: str = "comprehend", **options: Any
    ) -> Any:
        """Make a user with a policy and return its client."""
        with self.database.transaction() as session:
            user = users.create(session, account, name, now=self.now)
            inline_policies.put(session, "user", user.unique_id, name, "only", policy)
            key = users.create_access_key(session, user, self.now)
        return self.process.client(
            service, access_key_id=key.access_key_id, secret_access_key=key.secret_access_key, **options
        )

    def close(self) -> None:
        """Close everything."""
        self.process.close()
        self.inside.close()
        self.product.close()
        self.backend.close()
        self.database.close()

    # What hosts do

    def turn(self, times: int = 1) -> None:
        """Run turns of the controller, and after each one of the upkeep of models and flywheels."""
        for _ in range(times):
            self.product.jobs.controller.turn()
            self.product.jobs.models.turn()
            self.product.jobs.flywheels.turn()

    def wanted(self) -> tuple[ContainerSpec, ...]:
        """Return the containers that the host should run."""
        with self.database.reading() as session:
            return containers(session, LOCAL_HOST)

    def started(self) -> ContainerSpec:
        """Run turns until the one container is wanted, and return it."""
        self.turn(2)
        (spec,) = self.wanted()
        return spec

    def says(self, spec: ContainerSpec, *messages: WorkerMessage, phase: str = "running") -> None:
        """Report a container and run turns, after which the host holds nothing."""
        exit_code = 0 if phase == "exited" else None
        state = ContainerState(spec.container_id, phase, exit_code, messages)  # type: ignore[arg-type]
        report = HostReport(LOCAL_HOST, 1, interfaces=(spec.interface_id,), containers=(state,))
        self.product.jobs.controller.report(report)
        self.turn()
        self.product.jobs.controller.report(HostReport(LOCAL_HOST, 1))
        self.turn(3)

    def finish(self, spec: ContainerSpec, content: bytes = CONTENT, **members: Any) -> None:
        """Let a training write its artifact and report its end; ``members`` are those of its ``Done``."""
        assert spec.job.model is not None
        artifact = spec.job.model.artifact
        self.backend.put(artifact.bucket, artifact.key, content, "application/octet-stream")
        metadata = CLASSIFIER_METADATA if spec.job.kind == "classifier-training" else RECOGNIZER_METADATA
        said: dict[str, Any] = {
            "documents": 90,
            "errors": 0,
            "size": len(CONTENT),
            "sha256": DIGEST,
            "metadata": json.dumps(metadata),
            **members,
        }
        self.says(spec, Done(**said), phase="exited")

    def train(self, **changes: Any) -> str:
        """Make a classifier and train it; return its ARN."""
        arn = str(self.client.create_document_classifier(**classifier_request(**changes))["DocumentClassifierArn"])
        self.finish(self.started())
        return arn

    def place_of(self, spec: ContainerSpec) -> tuple[str, str]:
        """Return the VPC and the address of a container."""
        with self.database.reading() as session:
            interface = session.get_one(NetworkInterface, spec.interface_id)
            return interface.vpc_id, interface.address

    def fetch(self, spec: ContainerSpec, path: str, address: str | None = None) -> dict[str, Any] | None:
        """Call the credentials address as a container does; return ``None`` if it gives no keys."""
        vpc_id, own = self.place_of(spec)
        reply = ContainerCredentials(database=self.database, owner_of=owners(self.database), clock=self.clock).handle(
            "GET", path, vpc_id, address or own
        )
        return None if reply.status == 404 else json.loads(reply.body)

    def s3_of(self, spec: ContainerSpec, endpoint_id: str | None = None, address: str | None = None) -> Any:
        """Return an S3 client with the service's own session, at the container's place."""
        assert spec.job.model is not None
        keys = self.keys_of(spec, spec.job.model.credentials_path)
        return self.client_from(self.path_of(spec, endpoint_id, address), "s3", keys)

    def keys_of(self, spec: ContainerSpec, path: str | None = None) -> dict[str, str]:
        """Return the keys that a container fetches, as a client's options: by default its role's credentials."""
        fetched = self.fetch(spec, path or spec.credentials_path)
        assert fetched is not None
        return {
            "access_key_id": fetched["AccessKeyId"],
            "secret_access_key": fetched["SecretAccessKey"],
            "session_token": fetched["Token"],
        }

    def path_of(self, spec: ContainerSpec, endpoint_id: str | None = None, address: str | None = None) -> NetworkPath:
        """Return the path from a container's interface: through an endpoint, or to a public address."""
        vpc_id, own = self.place_of(spec)
        if endpoint_id is None:
            return NetworkPath(source_ip=address or own, secure=True, router_vpc_id=vpc_id)
        return NetworkPath(secure=True, vpc_id=vpc_id, vpc_endpoint_id=endpoint_id, vpc_source_ip=address or own)

    def client_from(self, path: NetworkPath, service: str, keys: dict[str, str], **options: Any) -> Any:
        """Return a client whose requests come by a path: out of a VPC, or to the listener on the host."""
        outside = path.vpc_id is None and path.router_vpc_id is None
        if service != "s3" or outside:
            return self.process.client(service, scope={PATH_KEY: path}, **keys, **options)
        url = f"http://s3.{REGION}.amazonaws.com"
        return self.inside.client(service, scope={PATH_KEY: path}, endpoint_url=url, **keys, **options)


def classifier_request(**changes: Any) -> dict[str, Any]:
    """Return the parameters of a classifier; a change to ``None`` removes a member."""
    request: dict[str, Any] = {
        "DocumentClassifierName": "tickets",
        "DataAccessRoleArn": ROLE,
        "InputDataConfig": {"S3Uri": "s3://training/rows.csv"},
        "LanguageCode": "en",
        **changes,
    }
    return {name: value for name, value in request.items() if value is not None}


def recognizer_request(**changes: Any) -> dict[str, Any]:
    """Return the parameters of a recognizer; a change to ``None`` removes a member."""
    request: dict[str, Any] = {
        "RecognizerName": "engineers",
        "DataAccessRoleArn": ROLE,
        "InputDataConfig": {
            "EntityTypes": [{"Type": "ENGINEER"}],
            "Documents": {"S3Uri": "s3://training/documents/"},
            "Annotations": {"S3Uri": "s3://training/annotations.csv"},
        },
        "LanguageCode": "en",
        **changes,
    }
    return {name: value for name, value in request.items() if value is not None}


def start(world: ModelWorld, arn: str, **changes: Any) -> dict[str, Any]:
    """Start a classification job with a model and return the answer."""
    request: dict[str, Any] = {
        "DocumentClassifierArn": arn,
        "InputDataConfig": {"S3Uri": "s3://papers/in/"},
        "OutputDataConfig": {"S3Uri": "s3://papers/out/"},
        "DataAccessRoleArn": ROLE,
        **changes,
    }
    return dict(world.client.start_document_classification_job(**request))


def held(world: ModelWorld, key: str) -> bool:
    """Return whether the bucket of models has an object."""
    return world.backend.head(BUCKET, key) is not None


def refused(call: Any, **parameters: Any) -> tuple[str, str]:
    """Return code and message of the error that a call raises."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]
