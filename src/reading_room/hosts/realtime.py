"""Synchronous analyses in warm containers: one for each account and engine, without network, replaced after a while.

Like any other, the container starts because it is part of the spec; the agent returns one end of a socket to
it. A request waits for its container, and no model is ever loaded into this process.
"""

from __future__ import annotations

import json
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reading_room.analysis.kind import EngineName
from reading_room.analysis.kinds import ENTRIES
from reading_room.aws.errors import ServiceUnavailable
from reading_room.comprehend.errors import InternalServerException
from reading_room.comprehend.operations.documents import Document, Given, as_json
from reading_room.comprehend.operations.realtime import Answer, read_answer
from reading_room.containers.spec import RealtimeSpec

log = logging.getLogger(__name__)

ANSWER_SECONDS = 60.0
LIGHT, HEAVY = 250_000_000, 500_000_000
"""The estimated bytes of a container that identifies languages, and of any other: measured were 160 to 450 MB."""
ANSWER_LIMIT = 64 << 20
CANNOT = 3
"""The burden of a host that can start no containers."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of a pool of containers."""

    start_seconds: float = 50.0
    """How long a first call waits for its container: loading an engine takes one or two seconds, on a busy machine many
    more, and an SDK gives up after 60."""
    idle_seconds: float = 600.0
    """An unused container is ended after this time: its memory is worth more than the half second of another start."""
    calls: int = 2_000
    """A container is replaced after so many calls, so that nothing can pile up in it."""
    containers: int = 32
    """The most containers of all accounts; the one unused for longest makes room, here and for ``memory``."""
    memory: int = 4_000_000_000
    """The most bytes of the containers of all accounts, by the sizes above."""


class RealtimeUnavailable(InternalServerException):
    """No container could answer; the message says why."""


class NoContainers(ServiceUnavailable):
    """This host cannot start containers now; the message says why."""

    def __init__(self, lacks: str) -> None:
        super().__init__(f"No analysis can run now: {lacks}. `reading-room doctor` says more.")


@dataclass
class _Warm:
    """One container: its specification, and its socket once it has started."""

    spec: RealtimeSpec
    requested_at: float
    used: float
    arrived: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    connection: socket.socket | None = None
    stream: Any = None
    calls: int = 0
    gone: bool = False


class RealtimePool:
    """Keeps the containers that synchronous calls need. Callable from any thread."""

    def __init__(
        self,
        wake: Callable[[], None],
        bounds: Bounds = Bounds(),
        now: Callable[[], float] = time.monotonic,
        lacks: Callable[[], str | None] = lambda: None,
        only_account: str | None = None,
    ) -> None:
        """``now`` returns monotonic seconds; ``lacks`` says why no container can start, if none can.

        With ``only_account``, the containers of this account answer the calls of all accounts.
        """
        self._only_account = only_account
        self._lacks = lacks
        self._wake = wake
        self._bounds = bounds
        self._now = now
        self._lock = threading.Lock()
        self._warm: dict[tuple[str, EngineName], _Warm] = {}

    def specs(self) -> tuple[RealtimeSpec, ...]:
        """Return the containers that should run now, in a stable order."""
        now = self._now()
        with self._lock:
            for key, warm in list(self._warm.items()):
                if now - warm.used > self._bounds.idle_seconds and not warm.lock.locked():
                    self._drop(key, warm)
            return tuple(sorted((w.spec for w in self._warm.values()), key=lambda spec: spec.container_id))

    def burden(self, account: str, engine: EngineName) -> int:
        """Return how little this host suits a call: 0 if it has the container, 2 if another would end for it, else 1.

        It is ``CANNOT`` if the host can start no containers now.
        """
        if self._lacks() is not None:
            return CANNOT
        with self._lock:
            if (self._only_account or account, engine) in self._warm:
                return 0
            return 1 if self._has_room(engine) else 2

    def arrived(self, container_id: str, connection: socket.socket) -> None:
        """Take the socket of a container that the agent started."""
        with self._lock:
            warm = next((w for w in self._warm.values() if w.spec.container_id == container_id), None)
        if warm is None or warm.connection is not None:
            connection.close()
            return
        connection.settimeout(ANSWER_SECONDS)
        warm.connection = connection
        warm.stream = connection.makefile("rwb")
        warm.arrived.set()

    def forget_all(self) -> None:
        """Drop every container, because the agent that started them is gone."""
        with self._lock:
            for key, warm in list(self._warm.items()):
                self._drop(key, warm)

    def analyse(
        self, account: str, engine: EngineName, texts: Sequence[Given], language: str | None
    ) -> list[Answer | None]:
        """Return one answer for each text, ``None`` if the engine failed on it.

        If a container dies during a call, it is replaced and the call is repeated once. Raises ``RealtimeUnavailable``,
        or ``NoContainers`` at once if this host cannot start any.
        """
        account = self._only_account or account
        for attempt in (1, 2):
            warm = self._get(account, engine)
            try:
                with warm.lock:
                    if warm.gone:
                        continue
                    return self._ask(warm, texts)
            except (OSError, ValueError, RecursionError) as error:
                log.warning("the %s container of account %s failed a call: %r", engine, account, error)
                with self._lock:
                    self._drop((account, engine), warm)
                self._wake()
                if attempt == 2:
                    raise RealtimeUnavailable(f"the {engine} engine did not answer: {error}") from error
        raise RealtimeUnavailable(f"the {engine} engine was replaced twice during one call: try again")

    def _get(self, account: str, engine: EngineName) -> _Warm:
        key = (account, engine)
        now = self._now()
        if (lacks := self._lacks()) is not None:
            raise NoContainers(lacks)
        with self._lock:
            warm = self._warm.get(key)
            if warm is not None and warm.calls >= self._bounds.calls and not warm.lock.locked():
                self._drop(key, warm)
                warm = None
            if warm is None:
                self._make_room(engine)
                spec = RealtimeSpec(f"rt-{secrets.token_hex(8)}", account, engine)
                warm = self._warm[key] = _Warm(spec, now, now)
            warm.used = now
        if not warm.arrived.is_set():
            self._wake()
            seconds = self._bounds.start_seconds
            if not warm.arrived.wait(seconds):
                with self._lock:
                    self._drop(key, warm)
                raise RealtimeUnavailable(
                    f"no {engine} container started within {seconds:.0f} s: `reading-room doctor` says why"
                )
        return warm

    def _make_room(self, engine: EngineName) -> None:
        while not self._has_room(engine):
            # A container in the middle of a call is only dropped if all are; another one then answers the caller.
            least = min(self._warm, key=lambda key: (self._warm[key].lock.locked(), self._warm[key].used))
            self._drop(least, self._warm[least])

    def _has_room(self, engine: EngineName) -> bool:
        memory = sum(_size(each) for _, each in self._warm) + _size(engine)
        return not self._warm or (len(self._warm) < self._bounds.containers and memory <= self._bounds.memory)

    def _ask(self, warm: _Warm, texts: Sequence[Given]) -> list[Answer | None]:
        if warm.calls == 0:
            self._read(warm)
        warm.calls += 1
        number = warm.calls
        warm.stream.write(json.dumps({"id": number, "texts": as_json(texts)}).encode() + b"\n")
        warm.stream.flush()
        answer = self._read(warm)
        if answer.get("id") != number or "results" not in answer:
            raise ValueError(f"the engine answered {answer.get('error', 'something else')!r}")
        results = answer["results"]
        if not isinstance(results, list) or len(results) != len(texts):
            raise ValueError("the engine answered another number of documents")
        return [
            None if each is None else read_answer(warm.spec.engine, each, isinstance(given, Document))
            for given, each in zip(texts, results, strict=True)
        ]

    def _read(self, warm: _Warm) -> dict[str, Any]:
        line = warm.stream.readline(ANSWER_LIMIT)
        if not line.endswith(b"\n"):
            raise ConnectionError("the container ended")
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("not an answer")
        return answer

    def _drop(self, key: tuple[str, EngineName], warm: _Warm) -> None:
        warm.gone = True
        warm.arrived.set()  # Callers that wait for it look for another one.
        if self._warm.get(key) is warm:
            del self._warm[key]
        if warm.connection is not None:
            warm.connection.close()


def _size(engine: EngineName) -> int:
    return LIGHT if ENTRIES[engine].light else HEAVY
