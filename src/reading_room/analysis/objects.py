"""S3 as the worker uses it, by boto3 with the SDK's defaults, and its errors in the words of a failed job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions as errors
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from urllib3.exceptions import HTTPError

from reading_room.analysis.job_file import Location
from reading_room.analysis.storage import InputObject, JobFailure

READ_SIZE = 1 << 20
"""Reading a large body in pieces is twice as fast as reading it whole."""

NO_READ_ACCESS = "The provided data access role does not have proper access to the input data."
NO_WRITE_ACCESS = "The provided data access role does not have write access to the output S3 URI"

_DENIED = {"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "ExpiredToken"}


def warm_session(region: str) -> boto3.session.Session:
    """Return a session that has done what every S3 client needs once, before there is a job.

    The service model and the endpoint rules are parsed, and a first client's connection pool and trust store are made;
    together that is a tenth of a second. The keys of that first client are never used and nothing is sent. The session
    itself has no credentials yet: it looks for them when its next client first signs a request.
    """
    session = boto3.session.Session(region_name=region)
    session.client("s3", aws_access_key_id="x", aws_secret_access_key="y")
    return session


class S3Storage:
    """A job's input and output, through whatever path the VPC gives."""

    def __init__(self, session: boto3.session.Session, region: str) -> None:
        config = Config(
            connect_timeout=4,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 2},
            user_agent_extra="reading-room-worker",
        )
        self._s3: Any = session.client("s3", region_name=region, config=config)

    def list_input(self, location: Location) -> Iterator[InputObject]:
        """Yield every object whose key begins with the prefix; folder markers are left out.

        Raises ``JobFailure``: ``NO_READ_ACCESS_TO_INPUT``, ``INPUT_NOT_FOUND`` (no such bucket) or
        ``NO_ROUTE_TO_STORAGE``.
        """
        with _reading(location, "s3:ListBucket"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=location.bucket, Prefix=location.key)
            for page in pages:
                for entry in page.get("Contents", ()):
                    if not (entry["Size"] == 0 and entry["Key"].endswith("/")):
                        yield InputObject(entry["Key"], entry["Size"])

    def read(self, bucket: str, key: str) -> Iterator[bytes]:
        """Yield the content of an object in pieces. Raises ``JobFailure`` as ``list_input`` does."""
        with _reading(Location(bucket, key), "s3:GetObject"):
            body = self._s3.get_object(Bucket=bucket, Key=key)["Body"]
            yield from body.iter_chunks(READ_SIZE)

    def probe_output(self, location: Location) -> None:
        """Find out before any work whether the output may be written, leaving nothing.

        It begins a multipart upload, which needs ``s3:PutObject``, and aborts it. Raises ``JobFailure``:
        ``NO_WRITE_ACCESS_TO_OUTPUT``, ``NO_ROUTE_TO_STORAGE``. A role that may not abort is no failure: the service
        itself clears what is left.
        """
        with _writing(location):
            upload = self._s3.create_multipart_upload(Bucket=location.bucket, Key=location.key)
        try:
            self._s3.abort_multipart_upload(Bucket=location.bucket, Key=location.key, UploadId=upload["UploadId"])
        except errors.ClientError as error:
            if error.response["Error"]["Code"] not in _DENIED:
                raise

    def write(self, location: Location, path: Path) -> None:
        """Upload a file whole: it is visible complete or not at all. Raises ``JobFailure`` as ``probe_output`` does."""
        with _writing(location):
            self._s3.upload_file(str(path), location.bucket, location.key, Config=TransferConfig(use_threads=False))


@contextmanager
def _reading(location: Location, action: str) -> Iterator[None]:
    uri = f"s3://{location.bucket}/{location.key}"
    try:
        yield
    except errors.ClientError as error:
        code, text = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if code in _DENIED:
            raise JobFailure("NO_READ_ACCESS_TO_INPUT", f"{NO_READ_ACCESS} {action} on {uri}: {text}") from error
        if code in ("NoSuchBucket", "NoSuchKey", "404"):
            raise JobFailure("INPUT_NOT_FOUND", f"{uri}: {text}") from error
        raise JobFailure("INTERNAL_ERROR", f"{action} on {uri} answered {code}: {text}") from error
    except (errors.BotoCoreError, HTTPError, OSError) as error:
        # A connection that is cut in the middle of a body shows itself as what the layer below the SDK raises.
        raise _unreachable(error, uri) from error


@contextmanager
def _writing(location: Location) -> Iterator[None]:
    uri = f"s3://{location.bucket}/{location.key}"
    try:
        yield
    except errors.ClientError as error:
        raise _not_written(error.response["Error"], uri) from error
    except boto3.exceptions.S3UploadFailedError as error:
        cause = error.__context__
        if isinstance(cause, errors.ClientError):
            raise _not_written(cause.response["Error"], uri) from error
        raise JobFailure("INTERNAL_ERROR", f"writing {uri}: {error}") from error
    except errors.BotoCoreError as error:
        raise _unreachable(error, uri) from error


def _not_written(error: Any, uri: str) -> JobFailure:
    code, text = error["Code"], error.get("Message", "")
    if code in _DENIED:
        return JobFailure("NO_WRITE_ACCESS_TO_OUTPUT", f"{NO_WRITE_ACCESS}. s3:PutObject on {uri}: {text}")
    if code in ("NoSuchBucket", "404"):
        return JobFailure("NO_WRITE_ACCESS_TO_OUTPUT", f"{NO_WRITE_ACCESS}. {uri}: {text}")
    return JobFailure("INTERNAL_ERROR", f"writing {uri} answered {code}: {text}")


def _unreachable(error: Exception, uri: str) -> JobFailure:
    if isinstance(error, errors.NoCredentialsError | errors.CredentialRetrievalError):
        return JobFailure("ROLE_NOT_ASSUMABLE", f"no credentials of the data access role: {error}")
    return JobFailure("NO_ROUTE_TO_STORAGE", f"no connection to S3 for {uri}: {error}")
