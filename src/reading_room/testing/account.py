"""An account in a product for tests: its clients, and waiting for its jobs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from botocore.config import Config

from reading_room.cli import reading
from reading_room.cli.running import Endpoint
from reading_room.client import connect

JOB_SECONDS = 300.0
_FIRST_REST, _REST = 0.05, 0.5
"""Seconds between two looks at a job: at first, and at most."""
_CONFIG = Config(
    # An error is an answer to the test, which no retry should hide or delay.
    retries={"mode": "standard", "total_max_attempts": 1},
    # The product is on this machine, where no proxy of the environment leads.
    proxies={},
)


class JobNotCompleted(Exception):
    """A job failed, was stopped or did not end in time; the message says why, and has the job's story."""


class Account:
    """An account, as its administrator sees it."""

    def __init__(self, endpoint: Endpoint, number: str) -> None:
        self.number = number
        """The account's number, 12 digits."""
        self.endpoint_url = endpoint.url
        self.region = endpoint.region
        self.access_key_id = endpoint.access_key_id
        self.secret_access_key = endpoint.secret_access_key
        self.endpoint = endpoint
        """The same facts as one value."""
        self._clients: dict[tuple[str, str], Any] = {}

    def clients(self, service: str, region: str | None = None) -> Any:
        """Return a boto3 client of a service; the same one for the same region. It never retries a call."""
        key = service, region or self.region
        if key not in self._clients:
            self._clients[key] = connect(
                service,
                self.endpoint_url,
                access_key_id=self.access_key_id,
                secret_access_key=self.secret_access_key,
                region=key[1],
                config=_CONFIG,
                verify=self.endpoint.authority,
            )
        return self._clients[key]

    def environment(self) -> dict[str, str]:
        """Return the variables that lead other programs here: the AWS CLI, and the SDKs of other languages."""
        found = {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_DEFAULT_REGION": self.region,
        }
        return found if self.endpoint.authority is None else found | {"AWS_CA_BUNDLE": self.endpoint.authority}

    def wait_for_job(self, job: str | Mapping[str, Any], seconds: float = JOB_SECONDS) -> dict[str, Any]:
        """Wait until a job or a training has completed, and return its properties as its Describe operation does.

        ``job`` is the id or the ARN of a job, the ARN of a model for its training, or the response of the call that
        started one. Raises ``JobNotCompleted``, and ``LookupError`` if the account has no such job.
        """
        identifier = job if isinstance(job, str) else _identifier(job)
        deadline, rest = time.monotonic() + seconds, _FIRST_REST
        while True:
            run = self._run(identifier)
            if run["Phase"] in reading.OVER:
                break
            if time.monotonic() > deadline:
                raise JobNotCompleted(f"{identifier} is {run['Phase']} after {seconds:g} s{self._story(identifier)}")
            time.sleep(rest)
            rest = min(_REST, rest * 1.5)
        if run["Phase"] != "COMPLETED":
            raise JobNotCompleted(f"{identifier} is {run['Phase']}{self._story(identifier)}")
        account = reading.Account(self.endpoint)
        properties = reading.find_job(account, run["JobId"])
        return reading.model_describer(account, run["JobArn"])() if properties is None else properties

    def _story(self, identifier: str) -> str:
        events = self._run(identifier, with_events=True)["Events"]
        return "".join(f"\n  {each['Text']}" for each in events)

    def _run(self, identifier: str, with_events: bool = False) -> dict[str, Any]:
        answer = self.clients("reading-room").describe_job_runs(JobIds=[identifier], IncludeEvents=with_events)
        for error in answer["Errors"]:
            raise LookupError(f"{identifier}: {error['ErrorMessage']}")
        run: dict[str, Any] = answer["JobRuns"][0]
        return run


def _identifier(response: Mapping[str, Any]) -> str:
    for name in ("JobId", "DocumentClassifierArn", "EntityRecognizerArn"):
        if name in response:
            return str(response[name])
    raise LookupError(f"a response with the members {', '.join(sorted(response))} names no job: give its id or ARN")
