"""Synchronous analyses in warm containers: one for each account and engine, without network, replaced after a while.

A custom model has a container of its own. Those of model endpoints are kept: they make no room for others, and one that
dies is replaced at once. One that was not called for long may sleep: its container ends, and the next call starts one.

A container that has answered many calls answers until its successor is ready, so that no call waits for one.

Like any other, the container starts because it is part of the spec; the agent returns one end of a socket to
it. A request waits for its container, and no model is ever loaded into this process.
"""

from __future__ import annotations

import json
import logging
import secrets
import select
import socket
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from reading_room.analysis.kind import EngineName
from reading_room.analysis.kinds import ENTRIES
from reading_room.aws.errors import AwsError, ServiceUnavailable
from reading_room.comprehend.endpoints.errors import NoRoomToWake
from reading_room.comprehend.endpoints.models import MOST_MODELS, EndpointModel, ModelRefused
from reading_room.comprehend.errors import InternalServerException
from reading_room.comprehend.operations.documents import Document, Given, as_json
from reading_room.comprehend.operations.realtime import Answer, read_answer
from reading_room.containers.spec import RealtimeSpec
from reading_room.hosts.realtime_models import NO_ARTIFACTS, Artifacts, hand_over

log = logging.getLogger(__name__)
T = TypeVar("T")

ANSWER_SECONDS = 60.0
LIGHT, HEAVY = 250_000_000, 500_000_000
"""The estimated bytes of a container that identifies languages, and of any other: measured were 160 to 450 MB."""
ANSWER_LIMIT = 64 << 20
Key = tuple[str, EngineName, EndpointModel | None]
"""What a container is for: an account, an engine, and the custom model that the engine needs, if any."""
CANNOT = 3
"""The burden of a host that can start no containers."""
TRIES = 8
"""How many containers one call may find replaced before it fails."""
SUCCESSORS = 4
"""The most containers that are started at a time to take the place of another."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of a pool of containers."""

    start_seconds: float = 50.0
    """How long a first call waits for its container: loading an engine takes one or two seconds, on a busy machine many
    more, and an SDK gives up after 60."""
    idle_seconds: float = 600.0
    """An unused container is ended after this time: its memory is worth more than the half second of another start."""
    released_seconds: float = 5.0
    """The same for the container of a custom model that is no longer kept."""
    sleep_seconds: float = 0.0
    """The same for a model that is kept: without calls for so long, it sleeps. 0 means never."""
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
    due: int = 0
    """After how many calls its successor is started."""
    prepared: bool = False
    """Whether it has said that it is ready and, if it needs a model, that it has loaded it."""
    gone: bool = False
    """Whether it takes no further calls. It may still be answering one."""

    @property
    def ended(self) -> bool:
        """Whether the other end of its socket is closed."""
        if self.connection is None:
            return False
        poll = select.poll()
        poll.register(self.connection, select.POLLRDHUP)
        return bool(poll.poll(0))


class RealtimePool:
    """Keeps the containers that synchronous calls need. Callable from any thread."""

    def __init__(
        self,
        wake: Callable[[], None],
        bounds: Bounds = Bounds(),
        now: Callable[[], float] = time.monotonic,
        lacks: Callable[[], str | None] = lambda: None,
        only_account: str | None = None,
        artifacts: Artifacts = NO_ARTIFACTS,
        shortage: Callable[[EndpointModel], str | None] = lambda model: None,
    ) -> None:
        """``now`` returns monotonic seconds; ``lacks`` says why no container can start, if none can.

        With ``only_account``, the containers of this account answer the calls of all accounts. ``artifacts`` yields
        the bytes of a custom model, and ``shortage`` says why there is no memory for one that sleeps.
        """
        self._artifacts = artifacts
        self._shortage = shortage
        self._only_account = only_account
        self._lacks = lacks
        self._wake = wake
        self._bounds = bounds
        self._now = now
        self._lock = threading.Lock()
        self._warm: dict[Key, _Warm] = {}
        self._next: dict[Key, _Warm] = {}
        """The successors that are not ready yet."""
        self._retired: list[_Warm] = []
        """Those with a successor, until each has answered its last call."""
        self._kept: frozenset[Key] = frozenset()
        self._asleep: set[Key] = set()
        """The models among these that have no container until they are called."""
        self._arrived: Callable[[], None] = lambda: None

    def keep(self, models: Collection[EndpointModel], arrived: Callable[[], None] = lambda: None) -> None:
        """Have a container for each of these models from now on. ``arrived`` is called when one has started."""
        kept = frozenset(map(self._key, models))
        self._arrived = arrived
        if kept != self._kept:
            with self._lock:
                self._kept = kept
                self._asleep &= kept
            self._wake()

    def load(self, model: EndpointModel) -> None:
        """Wait until a container has loaded a model. Raises ``ModelRefused`` and what ``analyse`` raises."""
        if not self.ready(model):
            self._with_container(self._key(model), lambda warm: None)

    def ready(self, model: EndpointModel) -> bool:
        """Return whether a model can answer: its container has loaded it, or it sleeps. Never waits."""
        key = self._key(model)
        if self._lacks() is not None:
            return False
        with self._lock:
            warm = self._warm.get(key)
            return key in self._asleep or (warm is not None and warm.prepared and not warm.ended)

    def specs(self) -> tuple[RealtimeSpec, ...]:
        """Return the containers that should run now, in a stable order."""
        now = self._now()
        with self._lock:
            for key, warm in list(self._warm.items()):
                idle = self._bounds.idle_seconds if key[2] is None else self._released_seconds(warm)
                unused = key not in self._kept and now - warm.used > idle
                sleeps = key in self._kept and 0 < self._bounds.sleep_seconds < now - warm.used and warm.prepared
                if warm.lock.locked():
                    continue
                if unused or sleeps:
                    self._asleep |= {key} if sleeps else set()
                    self._forget(key)
                elif warm.ended:
                    self._drop(key, warm)
            for warm in [each for each in self._retired if not each.lock.locked()]:
                self._retired.remove(warm)
                _close(warm)
            if self._lacks() is None:
                for key in self._kept - self._warm.keys() - self._asleep:
                    self._start(key, now)
            wanted = (*self._warm.values(), *self._next.values(), *self._retired)
            return tuple(sorted((warm.spec for warm in wanted), key=lambda spec: spec.container_id))

    def burden(self, account: str, engine: EngineName, model: EndpointModel | None = None) -> int:
        """Return how little this host suits a call: 0 if it has the container, 2 if another would end for it, else 1.

        It is ``CANNOT`` if the host can start no containers now.
        """
        if self._lacks() is not None:
            return CANNOT
        with self._lock:
            key = (self._only_account or account, engine, model)
            if key in self._warm or key in self._asleep:
                return 0
            return 1 if self._has_room(engine) else 2

    def arrived(self, container_id: str, connection: socket.socket) -> None:
        """Take the socket of a container that the agent started."""
        with self._lock:
            started = [*self._warm.items(), *self._next.items()]
        key, warm = next((each for each in started if each[1].spec.container_id == container_id), (None, None))
        if key is None or warm is None or warm.connection is not None:
            connection.close()
            return
        connection.settimeout(ANSWER_SECONDS)
        warm.connection = connection
        warm.stream = connection.makefile("rwb")
        warm.arrived.set()
        self._arrived()
        if self._next.get(key) is warm:
            threading.Thread(target=self._succeed, args=(key, warm), name="successor", daemon=True).start()

    def forget_all(self) -> None:
        """Drop every container, because the agent that started them is gone."""
        with self._lock:
            for key in list(self._warm):
                self._forget(key)
            for warm in self._retired:
                _close(warm)
            self._retired.clear()

    def analyse(
        self, account: str, engine: EngineName, texts: Sequence[Given], language: str | None
    ) -> list[Answer | None]:
        """Return one answer for each text, ``None`` if the engine failed on it.

        If a container dies during a call, it is replaced and the call is repeated once. Raises ``RealtimeUnavailable``,
        or ``NoContainers`` at once if this host cannot start any.
        """
        key = (self._only_account or account, engine, None)
        return self._with_container(key, lambda warm: self._ask(warm, texts))

    def analyse_with(self, model: EndpointModel, texts: Sequence[Given]) -> list[Answer | None]:
        """Return the answers of a custom model.

        Raises ``ModelRefused``, ``NoRoomToWake`` and what ``analyse`` raises.
        """
        return self._with_container(self._key(model), lambda warm: self._ask(warm, texts))

    def _key(self, model: EndpointModel) -> Key:
        return self._only_account or model.account, model.engine, model

    def _with_container(self, key: Key, use: Callable[[_Warm], T]) -> T:
        account, engine, _ = key
        failures = 0
        for _ in range(TRIES):
            warm = self._get(key)
            try:
                with warm.lock:
                    if warm.gone:
                        continue
                    self._prepare(warm, key)
                    return use(warm)
            except ModelRefused:
                with self._lock:
                    self._drop(key, warm)
                raise
            except (OSError, ValueError, RecursionError) as error:
                log.warning("the %s container of account %s failed a call: %r", engine, account, error)
                with self._lock:
                    self._drop(key, warm)
                self._wake()
                failures += 1
                if failures == 2:
                    raise RealtimeUnavailable(f"the {engine} engine did not answer: {error}") from error
        raise RealtimeUnavailable(f"the {engine} engine was replaced too often during one call: try again")

    def _get(self, key: Key) -> _Warm:
        engine, now = key[1], self._now()
        if (lacks := self._lacks()) is not None:
            raise NoContainers(lacks)
        self._check_memory(key)
        with self._lock:
            warm = self._warm.get(key)
            if warm is None:
                warm = self._start(key, now)
            warm.used = now
            ages = warm.calls >= warm.due and key not in self._next and len(self._next) < SUCCESSORS
            if ages:
                self._next[key] = self._new(key, now)
        if ages:
            self._wake()
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

    def _check_memory(self, key: Key) -> None:
        """Raise ``NoRoomToWake`` if a model sleeps that has no room now."""
        model = key[2]
        if model is None or key not in self._asleep:
            return
        # Jobs may have got the memory meanwhile. It is looked for without the lock, because others compute it.
        if (problem := self._shortage(model)) is not None:
            raise NoRoomToWake(problem)

    def _start(self, key: Key, now: float) -> _Warm:
        """Add a container to those that should run."""
        if key[2] is None:
            self._make_room(key[1])
        self._asleep.discard(key)
        warm = self._warm[key] = self._new(key, now)
        return warm

    def _new(self, key: Key, now: float) -> _Warm:
        account, engine, model = key
        spec = RealtimeSpec(f"rt-{secrets.token_hex(8)}", account, engine, "" if model is None else model.digest)
        return _Warm(spec, now, now, due=self._bounds.calls)

    def _succeed(self, key: Key, successor: _Warm) -> None:
        """Have a successor load its model, and take the place of the container that has answered many calls."""
        try:
            with successor.lock:
                self._prepare(successor, key)
        except (OSError, ValueError, RecursionError, AwsError) as error:
            log.warning("a container could not be replaced yet: %s", error)
            with self._lock:
                if self._next.get(key) is successor:
                    del self._next[key]
                    self._warm[key].due = self._warm[key].calls + self._bounds.calls
                self._drop(key, successor)
        else:
            with self._lock:
                if self._next.get(key) is successor:
                    del self._next[key]
                    former = self._warm[key]
                    former.gone, successor.used = True, former.used
                    self._retired.append(former)
                    self._warm[key] = successor
        self._wake()

    def _released_seconds(self, warm: _Warm) -> float:
        """Return how long the container of a model that is not kept may be unused."""
        if not warm.arrived.is_set():
            return self._bounds.idle_seconds
        crowded = len(self._warm) - len(self._for_texts()) > MOST_MODELS
        return -1.0 if crowded else self._bounds.released_seconds

    def _make_room(self, engine: EngineName) -> None:
        while not self._has_room(engine):
            # A container in the middle of a call is only dropped if all are; another one then answers the caller.
            least = min(self._for_texts(), key=lambda key: (self._warm[key].lock.locked(), self._warm[key].used))
            self._forget(least)

    def _has_room(self, engine: EngineName) -> bool:
        others = self._for_texts()
        memory = sum(_size(each) for _, each, _ in others) + _size(engine)
        return not others or (len(others) < self._bounds.containers and memory <= self._bounds.memory)

    def _for_texts(self) -> list[Key]:
        """Return what containers without a custom model are for. Those with one are limited by their endpoints."""
        return [key for key in self._warm if key[2] is None]

    def _prepare(self, warm: _Warm, key: Key) -> None:
        """Wait until a container is ready, and give it its model. Raises ``ModelRefused``."""
        if warm.prepared:
            return
        self._read(warm)
        if key[2] is not None:
            hand_over(warm.stream, key[2], self._artifacts, lambda: self._read(warm))
        warm.prepared = True

    def _ask(self, warm: _Warm, texts: Sequence[Given]) -> list[Answer | None]:
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
        return read_line(line)

    def _drop(self, key: Key, warm: _Warm) -> None:
        """End a container. If its successor was started already, that takes its place."""
        _close(warm)
        if self._warm.get(key) is warm:
            del self._warm[key]
            if (successor := self._next.pop(key, None)) is not None:
                self._warm[key] = successor

    def _forget(self, key: Key) -> None:
        """End the container with a key, and its successor."""
        if (successor := self._next.pop(key, None)) is not None:
            _close(successor)
        self._drop(key, self._warm[key])


def _close(warm: _Warm) -> None:
    warm.gone = True
    warm.arrived.set()  # Callers that wait for it look for another one.
    if warm.connection is not None:
        warm.connection.close()


def _size(engine: EngineName) -> int:
    return LIGHT if ENTRIES[engine].light else HEAVY


def read_line(line: bytes) -> dict[str, Any]:
    """Parse a line of a container. Raises ``ValueError``, and ``RecursionError`` for one that is nested too deeply."""
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise ValueError("not an answer")
    return answer
