"""AWS clients: boto3 over HTTP, or calling an ASGI application in this process.

The in-process form needs no socket: botocore builds and signs requests and parses responses as usual. Only the sending
is replaced, through its ``before-send`` event. Bodies stream in both directions.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, MutableMapping
from functools import cache
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Literal, TypeVar, cast, overload
from urllib.parse import unquote, urlsplit

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from reading_room import service_models

if TYPE_CHECKING:
    from mypy_boto3_comprehend import ComprehendClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

Message = MutableMapping[str, Any]
AsgiApplication = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]
Result = TypeVar("Result")

_CHUNK = 1 << 20
_WAIT = 300.0
"""Seconds after which an in-process call is considered stuck."""


@overload
def connect(service: Literal["ec2"], endpoint_url: str, **options: Any) -> EC2Client: ...
@overload
def connect(service: Literal["iam"], endpoint_url: str, **options: Any) -> IAMClient: ...
@overload
def connect(service: Literal["sts"], endpoint_url: str, **options: Any) -> STSClient: ...
@overload
def connect(service: Literal["s3"], endpoint_url: str, **options: Any) -> S3Client: ...
@overload
def connect(service: Literal["logs"], endpoint_url: str, **options: Any) -> CloudWatchLogsClient: ...
@overload
def connect(service: Literal["comprehend"], endpoint_url: str, **options: Any) -> ComprehendClient: ...
@overload
def connect(service: str, endpoint_url: str, **options: Any) -> Any: ...
def connect(service: str, endpoint_url: str, **options: Any) -> Any:
    """Return a boto3 client for a service at an address.

    Options: ``access_key_id``, ``secret_access_key``, ``session_token`` (if omitted, boto3 searches for credentials),
    ``region`` (``us-east-1``), ``config`` (a botocore ``Config``), ``verify`` (``False``, or the file of the
    certificate authority). An unknown option raises ``TypeError``.
    """
    return _client(service, endpoint_url, **options)


def _client(
    service: str,
    endpoint_url: str,
    *,
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
    session_token: str | None = None,
    region: str = "us-east-1",
    config: Config | None = None,
    verify: bool | str | None = None,
) -> Any:
    # Retries hide a server's behavior; one is enough for a connection that was closed.
    defaults = Config(retries={"total_max_attempts": 2, "mode": "standard"}, s3={"addressing_style": "path"})
    # Without keys, a new session searches for credentials; with keys, all clients share one session's models.
    session = _new_session() if access_key_id is None else _session()
    with _session_lock:
        return session.client(
            cast(Any, service),
            region_name=region,
            endpoint_url=endpoint_url,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            aws_session_token=session_token,
            config=defaults.merge(config) if config is not None else defaults,
            verify=verify,
        )


# Clients are thread-safe, but creating them from a session is not.
_session_lock = threading.Lock()


@cache
def _session() -> boto3.session.Session:
    return _new_session()


def _new_session() -> boto3.session.Session:
    """Return a session that also has the models of the product's own services."""
    session = botocore.session.get_session()
    session.get_component("data_loader").search_paths.append(str(service_models.FOLDER))
    return boto3.session.Session(botocore_session=session)


class InProcess:
    """Runs an ASGI application on an event loop in a separate thread; ``client`` creates clients for it.

    Use as a context manager, or call ``close``. ``scope`` holds entries that are added to the ASGI scope of every
    request, such as ``reading_room.path``; each client can add its own.
    """

    def __init__(self, app: AsgiApplication, scope: Mapping[str, object] | None = None) -> None:
        self._app = app
        self._scope = dict(scope or {})
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="in-process", daemon=True)
        self._thread.start()

    def __enter__(self) -> InProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cancel the running tasks and stop the loop."""
        if self._loop.is_closed():
            return
        self._run(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def client(
        self,
        service: str,
        *,
        endpoint_url: str = "http://127.0.0.1:4566",
        scope: Mapping[str, object] | None = None,
        **options: Any,
    ) -> Any:
        """Return a boto3 client for a service whose requests go to the application.

        No connection is made to ``endpoint_url``; the application sees its scheme and host. ``options`` are those of
        ``connect``.
        """
        client = _client(service, endpoint_url, **options)
        added = {**self._scope, **(scope or {})}

        def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
            return self.send(request, added)

        client.meta.events.register("before-send", send)
        return client

    def send(self, request: AWSPreparedRequest, scope: Mapping[str, object] | None = None) -> AWSResponse:
        """Send one prepared request and return when the response's headers have arrived; its body streams.

        Raises any exception of the application.
        """
        exchange = _Exchange(self._app, _asgi_scope(request, {**self._scope, **(scope or {})}), request.body)
        status, headers = self._run(exchange.start())
        raw = _RawBody(exchange, self._run)
        folded: dict[str, str] = {}
        for name, value in headers:
            folded[name] = f"{folded[name]}, {value}" if name in folded else value
        return AWSResponse(request.url, status, cast(Any, folded), cast(Any, raw))

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_WAIT)


async def _cancel_others() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _asgi_scope(request: AWSPreparedRequest, added: Mapping[str, object]) -> MutableMapping[str, Any]:
    url = urlsplit(request.url)
    headers = [
        (name.lower().encode("latin-1"), value if isinstance(value, bytes) else value.encode("latin-1"))
        for name, value in cast(Iterable[tuple[str, Any]], request.headers.items())
    ]
    if not any(name == b"host" for name, _ in headers):
        headers.insert(0, (b"host", url.netloc.rpartition("@")[2].encode("latin-1")))
    raw_path = (url.path or "/").encode("ascii")
    port = url.port or (443 if url.scheme == "https" else 80)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": unquote(raw_path.decode("ascii")),
        "raw_path": raw_path,
        "query_string": url.query.encode("ascii"),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": (url.hostname, port),
        "state": {},
        **added,
    }


class _Exchange:
    """One request and its response. The methods run on the loop; ``_RawBody`` calls them from the client's thread."""

    def __init__(self, app: AsgiApplication, scope: MutableMapping[str, Any], body: Any) -> None:
        self._app = app
        self._scope = scope
        self._body = _chunks(body)
        self._sent = False
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=8)
        self._gone = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> tuple[int, list[tuple[str, str]]]:
        """Run the application until it has sent the response's headers. Raises any exception of the application."""
        self._head: asyncio.Future[tuple[int, list[tuple[str, str]]]] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._serve())
        return await self._head

    async def next(self) -> bytes | None:
        """Return the next part of the body, or ``None`` at its end. Raises any exception of the application."""
        part = await self._queue.get()
        if part is None and self._task is not None:
            await asyncio.gather(self._task)
        return part

    async def abandon(self) -> None:
        """Tell the application that the client has disconnected."""
        self._gone.set()
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _serve(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
            if not self._head.done():
                raise RuntimeError("the application ended without a response")
        except BaseException as error:
            if self._head.done():
                # End the body first, so that a waiting reader wakes up and finds the error.
                self._end()
                raise
            self._head.set_exception(
                error if isinstance(error, Exception) else RuntimeError("the application was cancelled")
            )
        else:
            await self._queue.put(None)

    def _end(self) -> None:
        while self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def _receive(self) -> Message:
        if self._sent:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        # Reading a client's file may block the loop, but the client is waiting for this response anyway.
        chunk = next(self._body, None)
        self._sent = chunk is None
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in message.get("headers", [])]
            self._head.set_result((message["status"], headers))
        elif message["type"] == "http.response.body" and message.get("body"):
            await self._queue.put(bytes(message["body"]))


def _chunks(body: Any) -> Iterator[bytes]:
    if body is None:
        return
    if isinstance(body, str):
        body = body.encode()
    if isinstance(body, (bytes, bytearray, memoryview)):
        for start in range(0, len(body), _CHUNK):
            yield bytes(body[start : start + _CHUNK])
    elif hasattr(body, "read"):
        while chunk := cast(IO[Any], body).read(_CHUNK):
            yield chunk.encode() if isinstance(chunk, str) else chunk
    else:
        yield from cast(Iterable[bytes], body)


class _RawBody:
    """The interface that botocore requires of a response's raw body."""

    def __init__(self, exchange: _Exchange, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._exchange = exchange
        self._run = run
        self._rest = b""
        self._ended = False
        self.closed = False

    def read(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:
        """Return up to ``amt`` bytes, or all if it is ``None``; empty at the end."""
        parts, size = [self._rest], len(self._rest)
        while not self._ended and (amt is None or size < amt):
            part = self._run(self._exchange.next())
            if part is None:
                self._ended = True
            else:
                parts.append(part)
                size += len(part)
        whole = b"".join(parts)
        self._rest = b"" if amt is None else whole[amt:]
        return whole if amt is None else whole[:amt]

    def stream(self, amt: int = 65536, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yield the body in parts."""
        while part := self.read(amt):
            yield part

    def close(self) -> None:
        """Abandon the rest of the body."""
        self.closed = True
        if not self._ended:
            self._ended = True
            self._run(self._exchange.abandon())

    def release_conn(self) -> None:
        """Do nothing, since there is no connection to release."""
