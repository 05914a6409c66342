"""A flywheel in a real network, with training data in the place's bucket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.worlds.place import Place
from tests.worlds.waiting import eventually

SENTENCES = {
    "billing": ("The invoice of {} is wrong, I was charged twice.", "Please refund my payment for order {}."),
    "delivery": ("My parcel {} has not arrived yet.", "When will the courier bring package {} to my door?"),
}
ENDED = ("COMPLETED", "FAILED", "STOPPED")


def rows(each: int, first: int = 0) -> str:
    """Return rows with labels."""
    lines = [
        f'{label},"{text.format(n)}"'
        for n in range(first, first + each)
        for label, texts in SENTENCES.items()
        for text in texts
    ]
    return "\n".join(lines) + "\n"


class Wheel:
    """A flywheel in a place."""

    def __init__(self, place: Place, name: str = "mail", **changes: Any) -> None:
        self.place = place
        self.client: Any = place.account.comprehend
        request: dict[str, Any] = {
            "FlywheelName": name,
            "ModelType": "DOCUMENT_CLASSIFIER",
            "TaskConfig": {"LanguageCode": "en", "DocumentClassificationConfig": {"Mode": "MULTI_CLASS"}},
            "DataAccessRoleArn": place.role,
            "DataLakeS3Uri": f"s3://{place.bucket}/lake",
            "DataSecurityConfig": {"VpcConfig": place.network.config()},
            **changes,
        }
        self.arn = self.client.create_flywheel(**request)["FlywheelArn"]

    def settled(self) -> dict[str, Any]:
        """Return the flywheel once it is neither being created nor updated."""
        describe = lambda: self.client.describe_flywheel(FlywheelArn=self.arn)["FlywheelProperties"]  # noqa: E731
        return self._until(describe, ("ACTIVE", "FAILED"))

    def dataset(self, name: str, key: str, **more: Any) -> dict[str, Any]:
        """Create a dataset and return it at its end."""
        data = {"DocumentClassifierInputDataConfig": {"S3Uri": f"s3://{self.place.bucket}/{key}"}}
        arn = self.client.create_dataset(FlywheelArn=self.arn, DatasetName=name, InputDataConfig=data, **more)
        describe = lambda: self.client.describe_dataset(**arn_of(arn))["DatasetProperties"]  # noqa: E731
        return self._until(describe, ENDED)

    def iterate(self) -> dict[str, Any]:
        """Run an iteration and return it at its end."""
        return self.ended(self.start())

    def start(self) -> str:
        """Start an iteration and return its id."""
        return str(self.client.start_flywheel_iteration(FlywheelArn=self.arn)["FlywheelIterationId"])

    def iteration(self, identifier: str) -> dict[str, Any]:
        """Return an iteration as it is now."""
        named = {"FlywheelArn": self.arn, "FlywheelIterationId": identifier}
        return dict(self.client.describe_flywheel_iteration(**named)["FlywheelIterationProperties"])

    def ended(self, identifier: str) -> dict[str, Any]:
        """Return an iteration at its end."""
        return self._until(lambda: self.iteration(identifier), ENDED)

    def _until(self, describe: Callable[[], dict[str, Any]], statuses: tuple[str, ...]) -> dict[str, Any]:
        shown = eventually(lambda: found if (found := describe())["Status"] in statuses else None, 300, self.arn)
        assert shown is not None
        return shown


def arn_of(answer: dict[str, Any]) -> dict[str, str]:
    """Return the ARN of a dataset as a parameter."""
    return {"DatasetArn": answer["DatasetArn"]}


def get(place: Place, uri: str) -> bytes:
    """Return an object."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bytes(place.account.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
