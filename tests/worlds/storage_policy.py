"""A preparation world that checks S3's policies, with a bucket for the account and that of models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reading_room.aws.call import Call, NetworkPath
from reading_room.comprehend.models.requests import new_classifier, new_recognizer
from reading_room.comprehend.network.preparation import NetworkPreparation
from reading_room.comprehend.network.storage_policy import StoragePolicies
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.principals import root_principal
from reading_room.ids import job_id
from reading_room.jobs.submission import submit
from reading_room.jobs.tables import JobRow
from reading_room.s3 import buckets, service_bucket, service_bucket_name
from reading_room.s3.authorization import S3Authorization
from reading_room.s3.backends.memory import memory_backend
from reading_room.vpc.endpoints.endpoints import EndpointPolicies
from reading_room.vpc.tables import VpcEndpoint
from tests.worlds.preparation import ACCOUNT, NINE, REGION, ROLE, PreparationWorld, actions, document

PARTS = "arn:aws:s3:::papers/*/output/parts/*"
"""The objects through which containers of the world's jobs share their results."""
STORAGE = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject", "s3:PutObject"], "Resource": "*"}


class PolicyWorld(PreparationWorld):
    """A preparation world whose preparation checks S3's policies, with the account's bucket and that of models."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        with self.database.transaction() as session:
            buckets.create(session, "papers", ACCOUNT, REGION, self.now)
            service_bucket.ensure(session, REGION, self.now)
        self.allow(actions(NINE), STORAGE)

    def restart(self) -> None:
        """Start again, with policies."""
        super().restart()
        authorizer = PolicyAuthorizer(
            database=self.database, region=REGION, clock=self.clock, endpoint_policies=EndpointPolicies(self.database)
        )
        self.backend = memory_backend(self.database, REGION, self.clock)
        policies = StoragePolicies(
            S3Authorization(authorizer=authorizer, backend=self.backend, region=REGION), self.backend
        )
        network = NetworkPreparation(
            database=self.database,
            dispatcher=self.dispatcher,
            authorizer=self.authorizer,
            clock=self.clock,
            region=REGION,
            policies=policies,
        )
        self.controller = self.controller_on(network)

    def put(self, *keys: str) -> None:
        """Put objects into the account's bucket."""
        for key in keys:
            self.backend.put("papers", key, b"" if key.endswith("/") else b"x", "text/plain")

    def bucket_policy(self, policy: str) -> None:
        """Give the account's bucket a policy."""
        with self.database.transaction() as session:
            buckets.put_policy(session, "papers", policy)

    def endpoint_policy(self, **statement: Any) -> None:
        """Give the endpoint a policy of one statement."""
        self.endpoint_policies(statement)

    def endpoint_policies(self, *statements: dict[str, Any]) -> None:
        """Give the endpoint a policy; a statement that leaves something out means everything."""
        full = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
        with self.database.transaction() as session:
            row = session.get_one(VpcEndpoint, self.endpoint)
            row.policy = document(*(full | statement for statement in statements))

    def failure(self, job: str | None = None) -> str:
        """Run a job, by default another one of the world's, and return why it failed; empty if it got its container."""
        job = job or self.submit()
        self.run(job)
        if self.status(job) == "IN_PROGRESS":
            return ""
        assert self.interfaces() == []
        return self.message(job)

    def train(self, kind: str, data: dict[str, Any], **more: Any) -> str:
        """Create a classifier or a recognizer, and return the id of its training."""
        make, name = {"classifier": (new_classifier, "DocumentClassifierName")}.get(
            kind, (new_recognizer, "RecognizerName")
        )
        identifier = job_id()
        parameters = {
            name: f"m-{identifier[:20]}",
            "LanguageCode": "en",
            "DataAccessRoleArn": ROLE,
            "InputDataConfig": data,
            "VpcConfig": {"Subnets": [self.subnet], "SecurityGroupIds": [self.group]},
            **more,
        }
        call = Call(
            "comprehend", "Create", parameters, root_principal(ACCOUNT), ACCOUNT, REGION, NetworkPath(secure=True), "r"
        )
        with self.database.transaction() as session:
            return submit(session, make(call, identifier).job, self.now).job_id

    def use(self) -> str:
        """Submit a job that uses a model, and return its id."""
        job = self.submit()
        with self.database.transaction() as session:
            row = session.get_one(JobRow, job)
            row.model_arn, row.artifact_uri = "arn:of-a-model", service_bucket_name.artifact_uri(REGION, ACCOUNT, "of")
        return job
