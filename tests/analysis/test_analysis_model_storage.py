"""The worker's second session: its own credentials, and error messages that name the model's bucket."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.credentials import ContainerProvider, CredentialResolver
from botocore.stub import Stubber
from botocore.utils import ContainerMetadataFetcher

from reading_room.analysis.job_file import Location
from reading_room.analysis.objects import S3Storage, model_blame, model_session, warm_session
from reading_room.analysis.storage import JobFailure

BUCKET = "reading-room-models-us-east-1"
ARTIFACT = Location(BUCKET, "111122223333/0123/model")
URI = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"


class Address(http.server.BaseHTTPRequestHandler):
    """The credentials address: each key names the path of its request. ``once`` serves a key that expires at once."""

    server: Server

    def do_GET(self) -> None:
        once = self.path.endswith("/once")
        if self.path.endswith("/nobody") or (once and self.path in self.server.requested):
            self.send_error(404)
            return
        self.server.requested.add(self.path)
        expires = dt.datetime.now(dt.UTC) + dt.timedelta(hours=0 if once else 1)
        body = json.dumps(
            {
                "AccessKeyId": self.path,
                "SecretAccessKey": "s",
                "Token": "t",
                "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        ).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Remembers the paths at which it served keys."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Address)
        self.requested: set[str] = set()


class Fetcher(ContainerMetadataFetcher):
    """Fetches from a port of this machine, since only containers have the real address; retries without a pause."""

    def __init__(self, port: int) -> None:
        super().__init__(sleep=lambda seconds: None)
        self.IP_ADDRESS = f"127.0.0.1:{port}"


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield Fetcher(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def storage() -> S3Storage:
    return S3Storage(_session(), "us-east-1", model_blame(BUCKET))


def _session() -> Any:
    session = botocore.session.Session()
    session.set_credentials("AKIA", "secret")
    session.set_config_variable("region", "us-east-1")
    return session


def test_each_session_uses_its_own_path(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv(URI, "/v2/credentials/of-the-role")
    main = warm_session("us-east-1")
    provider = ContainerProvider(fetcher=fetcher)  # type: ignore[arg-type] # the stub expects another class
    main.register_component("credential_provider", CredentialResolver([provider]))
    own = model_session(main, "/v2/credentials/of-the-model", fetcher)
    found = [session.get_credentials() for session in (own, main)]
    keys = [each.get_frozen_credentials().access_key for each in found if each is not None]
    assert keys == ["/v2/credentials/of-the-model", "/v2/credentials/of-the-role"]
    assert os.environ[URI] == "/v2/credentials/of-the-role"


@pytest.mark.costs(0.08, reason="a client of the SDK is made")
def test_a_refusal_names_the_bucket_and_the_statement_that_would_allow_it(storage: S3Storage, tmp_path: Path) -> None:
    text = "no VPC endpoint policy allows the s3:PutObject action"
    with Stubber(storage._s3) as stubber:
        stubber.add_client_error("put_object", "AccessDenied", text)
        (tmp_path / "model").write_bytes(b"x")
        with pytest.raises(JobFailure) as raised:
            storage.write(ARTIFACT, tmp_path / "model")
        stubber.add_client_error("get_object", "AccessDenied", text)
        with pytest.raises(JobFailure) as also:
            list(storage.read(ARTIFACT.bucket, ARTIFACT.key))
    for failure in (raised.value, also.value):
        assert failure.code == "NO_ACCESS_TO_MODEL_BUCKET"
        assert f'"Resource": "arn:aws:s3:::{BUCKET}/*"' in failure.message
        assert text in failure.message


@pytest.mark.costs(0.3, reason="two clients of the SDK are made")
def test_a_missing_artifact_and_a_missing_session_have_their_own_messages(storage: S3Storage, fetcher: Fetcher) -> None:
    with Stubber(storage._s3) as stubber:
        stubber.add_client_error("get_object", "NoSuchKey", "gone")
        with pytest.raises(JobFailure, match="MODEL_NOT_FOUND"):
            list(storage.read(ARTIFACT.bucket, ARTIFACT.key))

    ended = S3Storage(model_session(_session(), "/v2/credentials/once", fetcher), "us-east-1", model_blame(BUCKET))
    with pytest.raises(JobFailure, match="NO_CREDENTIALS_FOR_MODEL: no credentials for the model's bucket"):
        list(ended.read(ARTIFACT.bucket, ARTIFACT.key))


def test_an_unknown_session_fails_the_job_before_it_begins(fetcher: Fetcher) -> None:
    main = _session()
    with pytest.raises(JobFailure, match="NO_CREDENTIALS_FOR_MODEL"):
        S3Storage(model_session(main, "/v2/credentials/nobody", fetcher), "us-east-1", model_blame(BUCKET))
    with pytest.raises(JobFailure, match="ROLE_NOT_ASSUMABLE"):
        S3Storage(model_session(main, "/v2/credentials/nobody", fetcher), "us-east-1")
