"""Data folders of released versions, made with their own code: this version opens, checks, uses and backs up each.

``scripts/released_folder.py`` makes the archives in ``data/``. Their keys are used nowhere else.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy.orm import undefer

from reading_room import versions
from reading_room.analysis.custom.artifact import FORMAT, load_artifact
from reading_room.analysis.custom.classifier_model import KIND
from reading_room.backup import taking
from reading_room.backup.folder import FolderTarget
from reading_room.client import InProcess
from reading_room.clock import system_clock
from reading_room.comprehend.models.models import find
from reading_room.comprehend.tables import ModelRow
from reading_room.database.engine import SCHEMA_VERSION, Database
from reading_room.database.opening import FILE, open_database
from reading_room.iam.credentials_file import read_key
from reading_room.s3.backends.files import FileBlobStore, file_backend
from reading_room.s3.blobs import read_segments
from reading_room.s3.object_keys import ObjectKeys
from reading_room.s3.tables import S3Object
from reading_room.sealing import KEY_BYTES, Sealer
from reading_room.settings import Settings
from reading_room.trail.chain import event_in, files_of, verify
from reading_room.trail.kept_heads import expected_lines
from reading_room.upgrades import backups
from reading_room.wiring.product import Product
from tests.worlds.backups import restore
from tests.worlds.comprehend import EchoEngines
from tests.worlds.schemas import version_of
from unpack import unpack

ARCHIVES = sorted(Path(__file__).with_name("data").glob("*.tar.xz"))
MOST_BYTES = 300_000


@dataclass
class Released:
    """An archive, unpacked and opened by this version."""

    data: Path
    root_key: bytes
    schema: int
    database: Database
    process: InProcess

    def client(self, service: str, key: tuple[str, str] | None = None) -> Any:
        """Return a client with a key, by default the first administrator's."""
        found = key or read_key(self.data / "credentials", "default")
        assert found is not None
        return self.process.client(service, access_key_id=found[0], secret_access_key=found[1])


@pytest.fixture(scope="module", params=ARCHIVES, ids=lambda path: path.name.split(".")[0])
def released(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    """Each archive in turn, as a product without sockets and containers."""
    folder = tmp_path_factory.mktemp("released")
    with tarfile.open(request.param) as tar:
        unpack(tar, folder)
    data, key = folder / "data", folder / "root.key"
    schema = version_of(data / FILE)
    root_key = bytes.fromhex(key.read_text()) if key.exists() else bytes(KEY_BYTES)
    with closing(open_database(data, Sealer(root_key))) as database:
        # The archives become older than the trail is usually kept.
        settings = Settings(data=data, state=folder / "state", trail_days=3650)
        backend = file_backend(database, data / "objects", settings.region, system_clock)
        product = Product(settings=settings, database=database, backend=backend, engines=EchoEngines())
        product.first_start()
        with InProcess(product.app) as process:
            yield Released(data, root_key, schema, database, process)
        product.close()
        backend.close()


@pytest.mark.costs(4, reason="a folder is unpacked, migrated and opened")
def test_it_is_migrated_after_a_backup_and_says_so(released: Released) -> None:
    assert version_of(released.data / FILE) == SCHEMA_VERSION
    assert [each.schema for each in backups(released.data)] == [released.schema] * (released.schema < SCHEMA_VERSION)
    assert versions.read(released.data) == versions.Versions(versions.VERSION, versions.DATA_FORMATS)


@pytest.mark.costs(1, reason="clients of several services are made")
def test_its_keys_objects_jobs_and_network_are_there(released: Released) -> None:
    s3 = released.client("s3")
    found = s3.get_object(Bucket="released", Key="in/a.txt")
    assert (found["Body"].read(), found["Metadata"]) == (b"Marie Curie moved to Paris.\n", {"by": "release"})
    assert s3.get_object(Bucket="released", Key="large")["Body"].read() == b"Marie Curie. " * 10_000

    key, secret = s3.get_object(Bucket="released", Key="ann")["Body"].read().decode().split()
    assert released.client("sts", (key, secret)).get_caller_identity()["Arn"].endswith(":user/ann")

    comprehend = released.client("comprehend", (key, secret))
    job = _job(comprehend)
    assert job["JobStatus"] == "COMPLETED"
    output = job["OutputDataConfig"]["S3Uri"].removeprefix("s3://released/")
    with tarfile.open(fileobj=io.BytesIO(s3.get_object(Bucket="released", Key=output)["Body"].read())) as tar:
        (name,) = tar.getnames()
        lines = tar.extractfile(name)
        assert lines is not None
        assert b"Marie Curie" in lines.read()
    (vpc,) = released.client("ec2").describe_vpcs(VpcIds=[_vpc(released, job)])["Vpcs"]
    assert vpc["CidrBlock"] == "10.0.0.0/16"


@pytest.mark.costs(1, reason="a large object is written, and clients are made")
def test_it_takes_new_objects_and_jobs(released: Released) -> None:
    s3, comprehend = (released.client(name) for name in ("s3", "comprehend"))
    content = b"Pierre Curie. " * 10_000
    s3.put_object(Bucket="released", Key="new/a.txt", Body=content)
    assert s3.get_object(Bucket="released", Key="new/a.txt")["Body"].read() == content
    s3.delete_object(Bucket="released", Key="large")
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="released", Key="large")
    s3.put_object(Bucket="released", Key="large", Body=b"Marie Curie. " * 10_000)
    before = _job(comprehend)
    started = comprehend.start_entities_detection_job(
        JobName="after",
        InputDataConfig={"S3Uri": "s3://released/new/"},
        OutputDataConfig={"S3Uri": "s3://released/out/"},
        **{name: before[name] for name in ("DataAccessRoleArn", "LanguageCode", "VpcConfig")},
    )
    assert started["JobStatus"] == "SUBMITTED"
    found = _job(comprehend, "after")
    assert (found["JobId"], found["VpcConfig"]) == (started["JobId"], before["VpcConfig"])


def _job(comprehend: Any, name: str = "released") -> dict[str, Any]:
    """Return the only job with a name."""
    jobs = comprehend.list_entities_detection_jobs(Filter={"JobName": name})
    (job,) = jobs["EntitiesDetectionJobPropertiesList"]
    return dict(job)


def _vpc(released: Released, job: dict[str, Any]) -> str:
    (subnet,) = released.client("ec2").describe_subnets(SubnetIds=job["VpcConfig"]["Subnets"])["Subnets"]
    return str(subnet["VpcId"])


def test_its_model_is_trained_and_its_artifact_is_the_one_that_was_written(released: Released) -> None:
    (model,) = released.client("comprehend").list_document_classifiers()["DocumentClassifierPropertiesList"]
    assert model["Status"] == "TRAINED"
    check_model(released.database, released.data)


@pytest.mark.costs(1, reason="a backup forks a process that copies the database, and is restored")
def test_a_backup_has_its_model(released: Released, tmp_path: Path) -> None:
    with FolderTarget.opened(tmp_path / "backup") as target:
        taking.take(
            released.data,
            target,
            released.root_key,
            program=versions.VERSION,
            now=system_clock(),
            drop=lambda: None,
            with_keys=False,
        )
    restore(tmp_path / "backup", tmp_path / "data")
    with closing(open_database(tmp_path / "data", Sealer(released.root_key))) as database:
        check_model(database, tmp_path / "data")


def check_model(database: Database, data: Path) -> None:
    """Check that the artifact of the only model is the one that its training wrote, and can be loaded."""
    with database.reading() as session:
        row = session.query(ModelRow).one()
        wanted = find(session, row.account, row.arn).sha256
        bucket, _, name = row.artifact_uri.removeprefix("s3://").partition("/")
        stored = session.get_one(S3Object, (bucket, name.encode()), options=[undefer(S3Object.content)])
        # The first start has encrypted it, if it was not killed before.
        key = ObjectKeys(database, system_clock).of(stored)
        segments = [(blob, size) for blob, size in stored.segments]
        if stored.content is not None:
            content = stored.content if key is None else key.open_row(stored.content)
        else:
            store = FileBlobStore(data / "objects")
            content = b"".join(read_segments(store, segments, 0, stored.size, 1 << 20, key))
    assert content is not None
    assert hashlib.sha256(content).hexdigest() == wanted
    assert load_artifact(io.BytesIO(content), KIND).meta


def test_its_trail_is_as_it_was_written(released: Released) -> None:
    with released.database.reading() as session:
        kept = expected_lines(session)
    for book in ("management", "data"):
        wanted = {each.digest for each in kept if each.book == book}
        assert verify(released.data / "trail", book, wanted).lines > 5
    lines = b"".join(path.read_bytes() for _, path in files_of(released.data / "trail", "management")).splitlines()
    names = [event["eventName"] for line in lines if (event := event_in(line)) is not None]
    assert names.count("CreateDocumentClassifier") == 1


def test_the_formats_of_files_are_those_that_the_code_writes() -> None:
    """The worker knows no other package, and a sealed value begins with its format."""
    assert versions.DATA_FORMATS["models"] == FORMAT
    assert versions.DATA_FORMATS["keys"] == Sealer.of_the_moment().seal(b"", "anywhere")[0]


def test_the_archives_are_small() -> None:
    assert {"schema_5.tar.xz", "schema_7.tar.xz"} <= {path.name for path in ARCHIVES}
    assert max(path.stat().st_size for path in ARCHIVES) <= MOST_BYTES
