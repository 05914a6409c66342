"""What Terraform's provider does before any resource: its credentials, clients and identity; and how it waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.credentials import SharedCredentialProvider
from botocore.exceptions import ClientError

from tests.docs.terraform_world import Arguments, Configuration, NotKnown
from tests.worlds.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_comprehend import ComprehendClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client

S3_CONTROL_SINCE = (6, 23, 0)
"""From this version on, the provider reads the tags of a bucket from S3 Control, which this product does not have."""


def refused(call: Callable[[], object]) -> str:
    """Return the code of a call's error, or an empty string if it succeeds."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


def until_gone(read: Callable[[], object], code: str) -> None:
    """Read until the resource is gone; the provider accepts one error code for that, and fails on any other."""

    def gone() -> bool:
        answer = refused(read)
        assert answer in ("", code), f"{answer} where the provider expects {code}"
        return answer == code

    eventually(gone, what=code)


class Provider:
    """The provider's configured block: a client for each service that ``endpoints`` names, and for no other."""

    def __init__(self, configuration: Configuration) -> None:
        """Read the key, ask for the caller's identity, and keep the account."""
        block = configuration.provider
        (self._endpoints,) = block.blocks("endpoints")
        self.region: str = block.get("region")
        self._path_style: bool = block.get("s3_use_path_style", False)
        self._credentials = self._key(block)
        # A user's machine has no instance metadata to ask, and the account comes from STS.
        assert block.get("skip_metadata_api_check") is True
        assert block.get("skip_requesting_account_id", False) is False
        self.account = self._client("sts").get_caller_identity()["Account"]
        require(configuration.terraform)
        if unread := [each for each in block.unread() if not each.startswith("endpoints.")]:
            raise NotKnown(f"the provider: nobody reads {unread}")

    @staticmethod
    def _key(block: Arguments) -> dict[str, str]:
        for file in block.get("shared_credentials_files", []):
            found = SharedCredentialProvider(file, profile_name="default").load()
            if found is not None:
                return {"aws_access_key_id": found.access_key, "aws_secret_access_key": found.secret_key}
        raise AssertionError("none of the files has a key")

    def _client(self, service: str) -> Any:
        address = self._endpoints.get(service)
        assert address is not None, f"{service} would be called at AWS: endpoints does not name it"
        config = Config(s3={"addressing_style": "path" if self._path_style else "virtual"})
        make: Any = boto3.session.Session(region_name=self.region).client
        return make(service, endpoint_url=address, config=config, **self._credentials)

    @property
    def comprehend(self) -> ComprehendClient:
        """The client of Amazon Comprehend."""
        found: ComprehendClient = self._client("comprehend")
        return found

    @property
    def ec2(self) -> EC2Client:
        """The client of Amazon EC2."""
        found: EC2Client = self._client("ec2")
        return found

    @property
    def iam(self) -> IAMClient:
        """The client of IAM."""
        found: IAMClient = self._client("iam")
        return found

    @property
    def s3(self) -> S3Client:
        """The client of Amazon S3."""
        found: S3Client = self._client("s3")
        return found


def require(terraform: Arguments) -> None:
    """Check that the page allows the versions whose calls are made here, and none that needs a missing API."""
    (providers,) = terraform.blocks("required_providers")
    aws = providers.get("aws")
    assert aws["source"] == "hashicorp/aws"
    sign, _, version = aws["version"].partition(" ")
    assert sign == "<"
    assert tuple(int(number) for number in version.split(".")) <= S3_CONTROL_SINCE
    if unread := [*terraform.unread(), *sorted(set(aws) - {"source", "version"})]:
        raise NotKnown(f"terraform: nobody reads {unread}")
