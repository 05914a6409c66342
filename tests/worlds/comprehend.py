"""Comprehend and the identities that call it, in one process, without hosts: only tests change the state of jobs."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from reading_room.analysis.kind import EngineName
from reading_room.aws.dispatch import Dispatcher
from reading_room.aws.errors import AwsError
from reading_room.aws.operations import OperationTable
from reading_room.aws.server import AwsApplication
from reading_room.client import InProcess
from reading_room.comprehend.endpoints.models import EndpointModel
from reading_room.comprehend.operations.documents import Document, Given
from reading_room.comprehend.operations.endpoint_calls import EndpointCalls
from reading_room.comprehend.operations.jobs import JobOperations
from reading_room.comprehend.operations.realtime import Answer, RealtimeOperations
from reading_room.comprehend.operations.tags import TagOperations
from reading_room.comprehend.operations.toxicity import ToxicityOperations
from reading_room.comprehend.quotas import Quotas
from reading_room.comprehend.resource_tags import resource_tags
from reading_room.database.engine import Database
from reading_room.extension.operations.pii_profiles import PiiProfileOperations
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.credentials import StoredCredentials
from reading_room.iam.inline_policies import put
from reading_room.iam.users import create, create_access_key
from reading_room.settings import Settings
from tests.worlds import databases
from tests.worlds.alternating import PROCESSES, alternating, as_others
from tests.worlds.waiting import DEADLINE

ACCOUNT = "111122223333"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Reader"
ALLOW_ALL = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})


class NoModels:
    """The part of a ``RealtimeEngines`` that is about custom models, for tests without any."""

    def keep(self, models: Collection[EndpointModel], arrived: Callable[[], None]) -> None:
        """Keep nothing, since no test has a model."""
        assert not models

    def load(self, model: EndpointModel) -> None:
        """Refuse to."""
        raise AssertionError(model)

    def ready(self, model: EndpointModel) -> bool:
        """Refuse to say."""
        raise AssertionError(model)

    def analyse_with(self, model: EndpointModel, texts: Sequence[Given]) -> Sequence[Answer | None]:
        """Refuse to."""
        raise AssertionError(model)


class EchoEngines:
    """A ``RealtimeEngines`` that finds the whole text, to show what reached the engine; it fails on ``break``."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, EngineName, tuple[Given, ...], str | None]] = []
        self.given: list[dict[str, Any]] = []
        """What the engines for personal data find instead."""
        self.read: dict[str, Any] = {}
        """The answer for a document."""
        self.kept: Collection[EndpointModel] = ()
        """The models that have a container."""
        self.refused: AwsError | None = None
        """Why no model can be loaded."""
        self.slow: dict[str, threading.Event] = {}
        """By the ARN of a model: what its load waits for."""

    def keep(self, models: Collection[EndpointModel], arrived: Callable[[], None]) -> None:
        """Remember the models."""
        self.kept = tuple(models)

    def load(self, model: EndpointModel) -> None:
        """Load a model that is kept."""
        assert model in self.kept
        if model.arn in self.slow:
            assert self.slow[model.arn].wait(DEADLINE)
        if self.refused is not None:
            raise self.refused

    def ready(self, model: EndpointModel) -> bool:
        """Say whether a model is kept and can be loaded."""
        return (
            model in self.kept
            and self.refused is None
            and (model.arn not in self.slow or self.slow[model.arn].is_set())
        )

    def analyse_with(self, model: EndpointModel, texts: Sequence[Given]) -> Sequence[Answer | None]:
        """Return one answer per text, with the model's ARN as its only class."""
        self.load(model)
        self.calls.append((model.account, model.engine, tuple(texts), None))
        if model.engine == "classification":
            classes = {"Classes": [{"Name": model.arn, "Score": 0.5}]}
            return [None if text == "break" else classes if isinstance(text, str) else self.read for text in texts]
        return [None if text == "break" else self._answer(model.engine, text) for text in texts]

    def analyse(
        self, account: str, engine: EngineName, texts: Sequence[Given], language: str | None
    ) -> Sequence[Answer | None]:
        """Return one answer per text."""
        self.calls.append((account, engine, tuple(texts), language))
        return [None if text == "break" else self._answer(engine, text) for text in texts]

    def _answer(self, engine: EngineName, text: Given) -> Answer:
        if isinstance(text, Document):
            return self.read
        span = {"Text": text, "BeginOffset": 0, "EndOffset": len(text)}
        scores = {"Positive": 0.75, "Negative": 0.25, "Neutral": 0.0, "Mixed": 0.0}
        sentiment = {"Sentiment": "POSITIVE", "SentimentScore": scores}
        if engine == "dominant-language":
            return [{"LanguageCode": "en", "Score": 0.99}]
        if engine.startswith("sentiment-"):
            return sentiment
        if engine.startswith("syntax-"):
            return [{"TokenId": 1, **span, "PartOfSpeech": {"Tag": "NOUN", "Score": 0.5}}]
        if engine.startswith("key-phrases-"):
            return [{"Score": 0.5, **span}]
        if engine.startswith("targeted-sentiment-"):
            mention = {**span, "Score": 0.5, "GroupScore": 1.0, "Type": "OTHER", "MentionSentiment": sentiment}
            return [{"DescriptiveMentionIndex": [0], "Mentions": [mention]}]
        if engine.startswith("toxicity-"):
            return {"Labels": [{"Name": "INSULT", "Score": 0.75}], "Toxicity": 0.5}
        if engine.startswith("prompt-safety-"):
            scores = {"UNSAFE_PROMPT": 0.75, "SAFE_PROMPT": 0.25}
            return {"Classes": [{"Name": name, "Score": score} for name, score in scores.items()]}
        if engine.startswith("pii-"):
            return self.given or [{"Score": 0.5, "Type": "NAME", "BeginOffset": 0, "EndOffset": len(text)}]
        return [{"Score": 0.5, "Type": "PERSON", **span}]


class ComprehendWorld:
    """One account with an administrator."""

    def __init__(self, folder: Path, settings: Settings | None = None, processes: int = PROCESSES) -> None:
        """With several ``processes``, each gets the requests in turn."""
        self.now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        opened = partial(databases.made, folder / "db.sqlite")
        self.databases = as_others(opened(), opened, processes)
        self.database = self.databases[0]
        self.engines = EchoEngines()
        self.counted: list[tuple[str, str, Sequence[int]]] = []
        self.apps = [self._application(each, settings or Settings()) for each in self.databases]
        self.process = InProcess(alternating(self.apps))
        self.client = self.client_of("administrator", ALLOW_ALL)

    def _application(self, database: Database, settings: Settings) -> AwsApplication:
        quotas = Quotas(settings, self.clock)

        def count(*call: Any) -> None:
            self.counted.append(call)

        table = OperationTable(
            JobOperations(database, self.clock, quotas),
            TagOperations(database, quotas),
            endpoint_calls := EndpointCalls(database, self.engines, quotas, count),
            RealtimeOperations(
                self.engines,
                quotas,
                count,
                endpoint_calls.answer,
                thresholds=PiiProfileOperations(database, self.clock).default_thresholds,
            ),
            ToxicityOperations(self.engines, quotas, count),
        )
        authorizer = PolicyAuthorizer(
            database=database, region=REGION, clock=self.clock, resource_tags=resource_tags(database)
        )
        return AwsApplication(
            Dispatcher(table=table, authorizer=authorizer),
            StoredCredentials(database),
            _no_s3,
            region=REGION,
            clock=self.clock,
        )

    def clock(self) -> dt.datetime:
        """Return the world's time."""
        return self.now

    def client_of(self, name: str, policy: str, account: str = ACCOUNT, **options: Any) -> Any:
        """Make a user with a policy and return its client."""
        with self.database.transaction() as session:
            user = create(session, account, name, now=self.now)
            put(session, "user", user.unique_id, name, "only", policy)
            key = create_access_key(session, user, self.now)
        return self.process.client(
            "comprehend",
            access_key_id=key.access_key_id,
            secret_access_key=key.secret_access_key,
            **options,
        )

    def close(self) -> None:
        """Close everything."""
        self.process.close()
        for app in self.apps:
            app.close()
        for database in self.databases:
            database.close()


def start_request(**changes: Any) -> dict[str, Any]:
    """Return the parameters of an entities job; a change to ``None`` removes a member."""
    request: dict[str, Any] = {
        "InputDataConfig": {"S3Uri": "s3://papers/in/"},
        "OutputDataConfig": {"S3Uri": "s3://papers/out/"},
        "DataAccessRoleArn": ROLE,
        "LanguageCode": "en",
        **changes,
    }
    return {name: value for name, value in request.items() if value is not None}


async def _no_s3(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 501, "headers": []})
    await send({"type": "http.response.body", "body": b""})
