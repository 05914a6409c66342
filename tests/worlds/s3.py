"""A small world for the tests of the S3 endpoint: users with policies, a backend, and boto3 clients in process."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

from reading_room.aws.call import NetworkPath
from reading_room.aws.call_record import Gate, let_in
from reading_room.aws.receive import PATH_KEY
from reading_room.client import InProcess
from reading_room.clock import Clock, system_clock
from reading_room.database.engine import Database
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.credentials import StoredCredentials, new_key
from reading_room.iam.tables import AccessKey, InlinePolicy, User
from reading_room.ids import iam_unique_id
from reading_room.s3.authorization import S3Authorization
from reading_room.s3.backends.embedded import EmbeddedBackend
from reading_room.s3.backends.files import file_backend
from reading_room.s3.backends.memory import memory_backend
from reading_room.s3.backends.opening import open_backend
from reading_room.s3.backends.place import Bucket
from reading_room.s3.server import S3Application
from reading_room.s3.space import SpaceLimits
from reading_room.s3.store import ObjectStore
from reading_room.settings import Settings
from reading_room.vpc.endpoints.endpoints import EndpointPolicies
from tests.worlds import databases
from tests.worlds.alternating import PROCESSES, alternating, as_others
from tests.worlds.aws_sockets import serving
from tests.worlds.rclone import rclone_bucket

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "444455556666"
REGION = "us-east-1"
PUBLIC_PATH = NetworkPath(source_ip="203.0.113.9", secure=True)


def statement(effect: str, action: str | list[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    """Return one statement of a policy."""
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> str:
    """Return the text of a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


Kind = Literal["files", "memory", "shared", "service", "rclone"]
"""Where the bytes are: in a folder, in memory, in a folder that other processes may use too, in another Reading Room,
in rclone's S3."""
STORE_ACTIONS = tuple(
    f"s3:{name}"
    for name in (
        *("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload"),
        *("ListBucket", "ListBucketMultipartUploads"),
    )
)
"""What the key of an object store needs (docs/operations/objects.md)."""
ROUNDS = 3
"""After so many turns of all processes, each knows that what others did before has ended."""
ALLOW_ALL = policy(statement("Allow", "*", "*"))


class S3World:
    """One S3 with an administrator, and more users on demand."""

    def __init__(
        self,
        folder: Path,
        kind: Kind = "files",
        administrator: str = "administrator",
        limits: SpaceLimits = SpaceLimits(),
        tick: Callable[[], float] = time.monotonic,
        service: Bucket | None = None,
        processes: int = PROCESSES,
        clock: Clock = system_clock,
        day: int = 86_400,
    ) -> None:
        """``service`` is the bucket that holds the bytes if the kind is ``service``.

        ``clock`` gives the times of objects, and ``day`` is the length of a day in lifecycle rules.

        Several ``processes`` get the requests in turn, and share a folder instead of having one each.
        """
        self.folder = folder
        self._clock, self._day = clock, day
        opened = partial(databases.made, folder / "db.sqlite")
        self.databases = as_others(opened(), opened, processes)
        self.database = self.databases[0]
        self.credentials = StoredCredentials(self.database)
        self._stops: list[Callable[[], None]] = []
        self.gate: Gate = let_in
        """The check whether a call can be recorded."""
        if processes > 1 and kind in ("files", "memory"):
            kind = "shared"
        self.backends = [self._backend(kind, each, limits, tick, service) for each in self.databases]
        self.backend = self.backends[0]
        self.authorizations = [self._authorization(*each) for each in zip(self.databases, self.backends, strict=True)]
        self.authorization = self.authorizations[0]
        self.apps = [self._application(number, vpc_only=False) for number in range(processes)]
        self.vpc_apps = [self._application(number, vpc_only=True) for number in range(processes)]
        self.app, self.vpc_app = alternating(self.apps), alternating(self.vpc_apps)
        self.store = ObjectStore(backend=self.backend, authorization=self.authorization)
        self.running = InProcess(self.app)
        self.running_in_vpc = InProcess(self.vpc_app)
        self.key = self.user(administrator, ALLOW_ALL)
        self.s3 = self.client()

    def _backend(
        self, kind: Kind, database: Database, limits: SpaceLimits, tick: Callable[[], float], service: Bucket | None
    ) -> EmbeddedBackend:
        if kind == "files":
            return file_backend(database, self.folder / "s3", REGION, self._clock, limits, tick, self._day)
        if kind == "memory":
            return memory_backend(database, REGION, self._clock, limits, self._day)
        (self.folder / "s3").mkdir(exist_ok=True)
        objects = f"files:{self.folder}/s3" if service is None else service.url
        settings = Settings(data=self.folder, objects=objects, storage_per_account=1 << 40, lifecycle_day=self._day)
        opened = open_backend(settings, database, self._clock, service)
        self._stops.append(opened.close)
        return opened.backend

    def _authorization(self, database: Database, backend: EmbeddedBackend) -> S3Authorization:
        authorizer = PolicyAuthorizer(
            database=database, region=REGION, clock=system_clock, endpoint_policies=EndpointPolicies(database)
        )
        return S3Authorization(authorizer=authorizer, backend=backend, region=REGION)

    def _application(self, number: int, *, vpc_only: bool) -> S3Application:
        return S3Application(
            self.backends[number],
            StoredCredentials(self.databases[number]),
            self.authorizations[number],
            region=REGION,
            clock=self._clock,
            machine_clock=system_clock,
            vpc_only=vpc_only,
            gate=lambda service, operation, account: self.gate(service, operation, account),
        )

    def swept(self) -> int:
        """Delete what no process needs, and return the number of blobs that were garbage."""
        # What a process said in its last turn was true at the turn before.
        for _ in range(ROUNDS if len(self.backends) > 1 else 1):
            for each in self.backends:
                if each.is_shared:
                    each.turn().result()
        return self.backend.sweep()

    def recent_denial(self, caller: str) -> str | None:
        """Return why a caller was denied last, as the process knows that denied it."""
        return next((found for each in self.authorizations if (found := each.recent_denial(caller)) is not None), None)

    def user(self, name: str, document: str | None, account: str = ACCOUNT) -> dict[str, str]:
        """Make a user and return its key as options of a client."""
        key = new_key("AKIA")
        now = dt.datetime.now(dt.UTC)
        with self.database.transaction() as session:
            user = User(
                unique_id=iam_unique_id("AIDA"), account=account, name=name, name_key=name.lower(), created_at=now
            )
            session.add(user)
            session.flush()
            session.add(
                AccessKey(
                    access_key_id=key.access_key_id,
                    secret_access_key=key.secret_access_key,
                    user_id=user.unique_id,
                    created_at=now,
                )
            )
            if document is not None:
                session.add(InlinePolicy(owner_id=user.unique_id, name="own", document=document))
        return {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}

    def client(
        self,
        key: Mapping[str, str] | None = None,
        path: NetworkPath = PUBLIC_PATH,
        endpoint_url: str = "https://127.0.0.1:4566",
        **options: Any,
    ) -> Any:
        """Return a boto3 client that comes by ``path``, through a VPC endpoint's listener if the path says so."""
        running = self.running_in_vpc if path.vpc_endpoint_id else self.running
        keys = self.key if key is None else key
        return running.client("s3", endpoint_url=endpoint_url, scope={PATH_KEY: path}, **keys, **options)

    def close(self) -> None:
        """Stop everything that runs."""
        self.running.close()
        self.running_in_vpc.close()
        for app in (*self.apps, *self.vpc_apps):
            app.close()
        for backend in self.backends:
            backend.close()
        for stop in self._stops:
            stop()
        for database in self.databases:
            database.close()


@contextmanager
def s3_world(
    folder: Path,
    kind: Kind = "files",
    limits: SpaceLimits = SpaceLimits(),
    processes: int = PROCESSES,
    clock: Clock = system_clock,
    day: int = 86_400,
) -> Iterator[S3World]:
    """Yield a world and stop it."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        service = None
        if kind in ("service", "rclone"):
            serve = object_service if kind == "service" else rclone_bucket
            service = stack.enter_context(serve(folder / "service"))
        world = S3World(folder, kind, limits=limits, service=service, processes=processes, clock=clock, day=day)
        stack.callback(world.close)
        yield world


@contextmanager
def object_service(folder: Path) -> Iterator[Bucket]:
    """Serve an S3 on loopback, and yield a bucket of it with a key that may only do what a store needs."""
    with s3_world(folder, "memory", processes=1) as other, serving(other.app) as port:
        other.s3.create_bucket(Bucket="blobs")
        yield bucket_of(other, port)


def bucket_of(other: S3World, port: int, *actions: str) -> Bucket:
    """Return the bucket ``blobs`` of a world that is served on a port, with a key for some actions."""
    resources = ["arn:aws:s3:::blobs", "arn:aws:s3:::blobs/*"]
    key = other.user(f"store-{port}", policy(statement("Allow", [*(actions or STORE_ACTIONS)], resources)))
    return Bucket("blobs", "below/", f"http://127.0.0.1:{port}", REGION, **key)
