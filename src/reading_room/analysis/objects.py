"""S3 as the worker uses it, through botocore with nearly the SDK's defaults, and its errors as failures of a job.

boto3 would add only the transfer of large files, and importing it takes as long as everything else here. It is loaded
only for an output that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.exceptions as errors
import botocore.session
from botocore.config import Config
from botocore.credentials import ContainerProvider, CredentialResolver
from botocore.utils import ContainerMetadataFetcher
from urllib3.exceptions import HTTPError, NameResolutionError

from reading_room.analysis.job_file import NO_READ_ACCESS, NO_WRITE_ACCESS, Location, no_model_access
from reading_room.analysis.patience import wait_for_answers, with_credentials
from reading_room.analysis.plain_models import PlainLoader, PreparedLoader
from reading_room.analysis.sdk_data import FOLDER
from reading_room.analysis.storage import InputObject, JobFailure

READ_SIZE = 1 << 20
"""Reading a large body in pieces is twice as fast as reading it whole."""

WHOLE_BYTES = 8 << 20
"""An output up to this size is one request; a larger one is uploaded in parts of this size, the SDK's own."""

MOST_DELETED = 1000
"""Objects that one DeleteObjects request may name."""

_GONE = {"ServiceUnavailable", "503"}
"""What S3 answers to a request that came through an endpoint that has just been deleted.

With a ``Reason``, our own S3 answers this when it cannot record the request in the trail.
"""

_DENIED = {"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "ExpiredToken"}


@dataclass(frozen=True, slots=True)
class Blame:
    """How failures of a storage are reported: for each, a code and the beginning of its sentence.

    ``missing`` is the code for an object or bucket that does not exist, ``damaged`` for an object whose bytes are lost,
    and ``stranger`` for a session without credentials; ``whose`` describes the credentials that are missing.
    """

    unread: tuple[str, str] = ("NO_READ_ACCESS_TO_INPUT", NO_READ_ACCESS)
    unwritten: tuple[str, str] = ("NO_WRITE_ACCESS_TO_OUTPUT", f"{NO_WRITE_ACCESS}.")
    missing: str = "INPUT_NOT_FOUND"
    damaged: str = "INTERNAL_ERROR"
    stranger: str = "ROLE_NOT_ASSUMABLE"
    whose: str = "of the data access role"


def model_blame(bucket: str) -> Blame:
    """Return how failures in the service's own bucket are reported, with the statement that endpoint policies need."""
    denied = ("NO_ACCESS_TO_MODEL_BUCKET", no_model_access(bucket))
    return Blame(
        denied, denied, "MODEL_NOT_FOUND", "MODEL_TAMPERED", "NO_CREDENTIALS_FOR_MODEL", "for the model's bucket"
    )


def warm_session(region: str, prepared: Path = FOLDER) -> botocore.session.Session:
    """Return a session in which the one-time work of every S3 client is done before there is a job.

    It parses the service model and the endpoint rules, those in the folder ``prepared`` if it exists, and creates a
    first client's connection pool and trust store. That client's keys are never used and nothing is sent. The session
    has no credentials yet: it looks for them when its next client first signs a request.
    """
    session = botocore.session.Session()
    session.register_component("data_loader", PreparedLoader(prepared) if prepared.is_dir() else PlainLoader())
    session.set_config_variable("region", region)
    session.create_client("s3", aws_access_key_id="x", aws_secret_access_key="y")
    return session


def model_session(
    session: botocore.session.Session, credentials_path: str, fetcher: ContainerMetadataFetcher | None = None
) -> botocore.session.Session:
    """Return a session of the service itself, whose credentials come from another path than the data access role's.

    The environment names the path of the data access role; it is neither read nor changed. The SDK data that
    ``session`` has parsed is shared. ``fetcher`` fetches the credentials, by default from the container credentials
    address.
    """
    own = botocore.session.Session()
    provider = ContainerProvider(
        {ContainerProvider.ENV_VAR: credentials_path},
        fetcher,  # type: ignore[arg-type] # its stub asks for another class
    )
    own.register_component("credential_provider", CredentialResolver([provider]))
    own.register_component("data_loader", session.get_component("data_loader"))
    own.set_config_variable("region", session.get_config_variable("region"))
    return own


class S3Storage:
    """A job's input and output, or its model's artifact, over whatever route the VPC offers.

    While the service cannot answer for now, requests wait, unless ``stopping`` returns true (``patience.py``). Raise
    ``JobFailure`` (``ROLE_NOT_ASSUMABLE``) if the session gets no credentials.
    """

    def __init__(
        self,
        session: botocore.session.Session,
        region: str,
        blame: Blame = Blame(),
        stopping: Callable[[], bool] = lambda: False,
        traceparent: str = "",
    ) -> None:
        """``traceparent`` is the header with which requests say which trace they belong to; empty for none."""
        config = Config(
            connect_timeout=4,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 2},
            user_agent_extra="reading-room-worker",
            # Private DNS of an interface endpoint covers the regional names, not the global one.
            s3={"us_east_1_regional_endpoint": "regional"},
        )
        self._blame = blame
        try:
            # The SDK asks for credentials when a client is made.
            self._s3: Any = with_credentials(
                lambda: session.create_client("s3", region_name=region, config=config), stopping
            )
        except (errors.NoCredentialsError, errors.CredentialRetrievalError) as error:
            raise self._stranger(error) from error
        wait_for_answers(self._s3, stopping)
        if traceparent:

            def add_header(params: dict[str, Any], **_: Any) -> None:
                params["headers"]["traceparent"] = traceparent

            self._s3.meta.events.register("before-call.s3", add_header)

    def list_input(self, location: Location) -> Iterator[InputObject]:
        """Yield every object whose key begins with the prefix; folder markers are left out.

        Raises ``JobFailure``: ``NO_READ_ACCESS_TO_INPUT``, ``INPUT_NOT_FOUND`` (no such bucket) or
        ``NO_ROUTE_TO_STORAGE``.
        """
        with self._reading(location, "s3:ListBucket"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=location.bucket, Prefix=location.key)
            for page in pages:
                for entry in page.get("Contents", ()):
                    if not (entry["Size"] == 0 and entry["Key"].endswith("/")):
                        yield InputObject(entry["Key"], entry["Size"], entry.get("ETag", ""))

    def read(self, bucket: str, key: str, begin: int = 0, end: int | None = None, etag: str = "") -> Iterator[bytes]:
        """Yield the content of an object in pieces, or its bytes from ``begin`` to before ``end``.

        A connection that breaks is opened again once, for the rest: S3 may find damage when half of its answer has
        been sent, and can say so only in a new answer.

        Raise ``JobFailure`` as ``list_input`` does, and ``INPUT_NOT_FOUND`` if the object's ETag is no longer ``etag``.
        """
        with self._reading(Location(bucket, key), "s3:GetObject"):
            answer = self._get(bucket, key, begin, end, etag)
            position = begin
            try:
                for chunk in answer["Body"].iter_chunks(READ_SIZE):
                    position += len(chunk)
                    yield chunk
            except (errors.IncompleteReadError, errors.HTTPClientError, HTTPError, OSError):
                rest = self._get(bucket, key, position, end, answer.get("ETag", etag))
                yield from rest["Body"].iter_chunks(READ_SIZE)

    def _get(self, bucket: str, key: str, begin: int, end: int | None, etag: str) -> Any:
        which: dict[str, str] = {}
        if begin or end is not None:
            which["Range"] = f"bytes={begin}-{'' if end is None else end - 1}"
        if etag:
            which["IfMatch"] = etag
        return self._s3.get_object(Bucket=bucket, Key=key, **which)

    def probe_output(self, location: Location) -> None:
        """Check before any work whether the output can be written, and leave nothing behind.

        It begins a multipart upload, which needs ``s3:PutObject``, and aborts it. Raise ``JobFailure``:
        ``NO_WRITE_ACCESS_TO_OUTPUT``, ``NO_ROOM_FOR_OUTPUT`` or ``NO_ROUTE_TO_STORAGE``. If the role is not allowed to
        abort the upload, the service removes it later.
        """
        with self._writing(location):
            upload = self._s3.create_multipart_upload(Bucket=location.bucket, Key=location.key)
        try:
            self._s3.abort_multipart_upload(Bucket=location.bucket, Key=location.key, UploadId=upload["UploadId"])
        except errors.ClientError as error:
            if error.response["Error"]["Code"] not in _DENIED:
                raise

    def write(self, location: Location, path: Path) -> None:
        """Upload a file; it becomes visible complete or not at all. Raise ``JobFailure`` as ``probe_output`` does."""
        with self._writing(location):
            if path.stat().st_size <= WHOLE_BYTES:
                with path.open("rb") as body:
                    self._s3.put_object(Bucket=location.bucket, Key=location.key, Body=body)
            else:
                _upload_in_parts(self._s3, location, path)

    def delete(self, bucket: str, keys: Sequence[str]) -> None:
        """Remove objects that are no longer needed, a thousand in each request.

        The job's result does not depend on this, and the service removes what is left, so neither a role that is not
        allowed to delete nor a lost route is a failure.
        """
        for start in range(0, len(keys), MOST_DELETED):
            entries = [{"Key": key} for key in keys[start : start + MOST_DELETED]]
            with suppress(errors.ClientError, errors.BotoCoreError):
                self._s3.delete_objects(Bucket=bucket, Delete={"Objects": entries, "Quiet": True})

    @contextmanager
    def _reading(self, location: Location, action: str) -> Iterator[None]:
        uri = f"s3://{location.bucket}/{location.key}"
        try:
            yield
        except errors.ClientError as error:
            code, text = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
            if code in _DENIED:
                refusal, sentence = self._blame.unread
                raise JobFailure(refusal, f"{sentence} {action} on {uri}: {text}") from error
            if code in ("PreconditionFailed", "412"):
                raise JobFailure(self._blame.missing, f"{uri} was changed while the job read it") from error
            if code in ("NoSuchBucket", "NoSuchKey", "404"):
                raise JobFailure(self._blame.missing, f"{uri}: {text}") from error
            if code in _GONE:
                raise _away(error.response["Error"], uri, f"{action} on {uri}") from error
            if reason := error.response["Error"].get("Reason"):
                # Our own S3 answers this for an object whose stored bytes have changed.
                raise JobFailure(self._blame.damaged, f"{uri} cannot be read. {reason}") from error
            raise JobFailure("INTERNAL_ERROR", f"{action} on {uri} answered {code}: {text}") from error
        except (errors.BotoCoreError, HTTPError, OSError) as error:
            # A connection that breaks in the middle of a body raises an error of the layer below the SDK.
            raise self._unreachable(error, uri) from error

    @contextmanager
    def _writing(self, location: Location) -> Iterator[None]:
        uri = f"s3://{location.bucket}/{location.key}"
        try:
            yield
        except errors.ClientError as error:
            raise self._not_written(error.response["Error"], uri) from error
        except errors.BotoCoreError as error:
            raise self._unreachable(error, uri) from error

    def _not_written(self, error: Any, uri: str) -> JobFailure:
        code, text = error["Code"], error.get("Message", "")
        refusal, sentence = self._blame.unwritten
        if code in _DENIED:
            return JobFailure(refusal, f"{sentence} s3:PutObject on {uri}: {text}")
        if code in ("NoSuchBucket", "404"):
            return JobFailure(refusal, f"{sentence} {uri}: {text}")
        if code in _GONE:
            return _away(error, uri, f"writing {uri}")
        if code == "InsufficientCapacity":
            return JobFailure("NO_ROOM_FOR_OUTPUT", f"writing {uri}: {text}")
        return JobFailure("INTERNAL_ERROR", f"writing {uri} answered {code}: {text}")

    def _stranger(self, error: Exception) -> JobFailure:
        return JobFailure(self._blame.stranger, f"no credentials {self._blame.whose}: {error}")

    def _unreachable(self, error: Exception, uri: str) -> JobFailure:
        if isinstance(error, errors.NoCredentialsError | errors.CredentialRetrievalError):
            return self._stranger(error)
        if isinstance(error, errors.EndpointConnectionError) and isinstance(
            error.kwargs.get("error"), NameResolutionError
        ):
            return JobFailure("NO_ROUTE_TO_STORAGE", f"DNS resolves no name of S3 for {uri}: {error}")
        return _no_route(uri, error)


def _no_route(uri: str, why: object) -> JobFailure:
    return JobFailure("NO_ROUTE_TO_STORAGE", f"no connection to S3 for {uri}: {why}")


def _away(error: Any, uri: str, doing: str) -> JobFailure:
    """Return the failure for a request that S3 could not serve: its endpoint is gone, or a ``Reason`` is given."""
    text = error.get("Message", "")
    return JobFailure("INTERNAL_ERROR", f"{doing}: {text}") if error.get("Reason") else _no_route(uri, text)


def _upload_in_parts(client: Any, location: Location, path: Path) -> None:
    from s3transfer.futures import NonThreadedExecutor
    from s3transfer.manager import TransferConfig, TransferManager

    config = TransferConfig(multipart_threshold=WHOLE_BYTES, multipart_chunksize=WHOLE_BYTES)
    with TransferManager(client, config, executor_cls=NonThreadedExecutor) as manager:
        manager.upload(str(path), location.bucket, location.key).result()
