"""Synchronous analyses for the ``serve`` processes that do not lead: the leader, which has the containers, makes them.

A process that does not lead stores the question in a row, sealed, since it has the texts of documents. The notification
of the commit wakes the leader, which stores the answer and deletes the question in one transaction. So no process
needs a way to the others but the database. If the leader changes meanwhile, the next one answers; an analysis has no
effect but its answer, so it may be made twice.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import cast

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from reading_room.analysis.kind import EngineName
from reading_room.aws.errors import AwsError, ServiceUnavailable
from reading_room.comprehend.endpoints.models import EndpointModel, ModelRefused
from reading_room.comprehend.operations.documents import Given, as_json, from_json
from reading_room.comprehend.operations.realtime import Answer, RealtimeEngines
from reading_room.database.engine import Database
from reading_room.fleet import database_time
from reading_room.hosts.realtime import RealtimeUnavailable
from reading_room.hosts.tables import EngineAnswer, EngineQuestion
from reading_room.reconcile import Loop
from reading_room.shortage import Threads

log = logging.getLogger(__name__)

ANSWER_SECONDS = 58.0
"""How long a question waits for its answer: an SDK gives up after 60."""
OLD = dt.timedelta(minutes=2)
"""Age after which a row is deleted, since nobody waits for it."""
AT_ONCE = 32
"""Questions that the leader answers at the same time."""
SWEEP_SECONDS = 5.0


class SharedEngines:
    """The engines as every process has them: its own pool while it leads, and otherwise the leader's. Thread-safe."""

    def __init__(
        self, database: Database, pool: RealtimeEngines, leads: Callable[[], bool], seconds: float = ANSWER_SECONDS
    ) -> None:
        """``leads`` says whether this process leads now."""
        self._database = database
        self._pool = pool
        self._leads = leads
        self._seconds = seconds
        self._answered = threading.Condition()
        self._news = 0
        self._threads = Threads(AT_ONCE, "engine-call")
        self._lock = threading.Lock()
        self._taken: set[str] = set()
        """The questions that this process is answering."""
        self.loop = Loop("engine calls", self.turn, every=SWEEP_SECONDS)
        """The leader's loop, which answers the other processes."""
        database.on_commit(self._committed)

    def keep(self, models: Collection[EndpointModel], arrived: Callable[[], None]) -> None:
        """Have a container for each of these models: only the leader calls this."""
        self._pool.keep(models, arrived)

    def load(self, model: EndpointModel) -> None:
        """Wait until a container has loaded a model: only the leader calls this."""
        self._pool.load(model)

    def ready(self, model: EndpointModel) -> bool:
        """Return whether a model can answer, at once or after it woke: only the leader calls this."""
        return self._pool.ready(model)

    def analyse(
        self, account: str, engine: EngineName, texts: Sequence[Given], language: str | None
    ) -> Sequence[Answer | None]:
        """Return one answer for each text, ``None`` if the engine failed on it.

        Raises ``RealtimeUnavailable``, and ``ServiceUnavailable`` if no container can start.
        """
        if self._leads():
            return self._pool.analyse(account, engine, texts, language)
        return self._ask(engine, [account, engine, as_json(texts), language])

    def analyse_with(self, model: EndpointModel, texts: Sequence[Given]) -> Sequence[Answer | None]:
        """Return the answers of a custom model. Raises ``ModelRefused`` and what ``analyse`` raises."""
        if self._leads():
            return self._pool.analyse_with(model, texts)
        return self._ask(model.engine, [model.account, model.engine, as_json(texts), None, asdict(model)])

    def _ask(self, engine: EngineName, question: list[object]) -> Sequence[Answer | None]:
        number = secrets.token_hex(16)
        call = json.dumps(question)

        def ask(session: Session) -> None:
            session.add(EngineQuestion(number=number, asked_at=database_time.now(session), call=call))

        self._database.write(ask, by_row_locks=True)
        return _read(self._answer_to(number, engine))

    def _answer_to(self, number: str, engine: EngineName) -> str:
        deadline = time.monotonic() + self._seconds
        while True:
            with self._answered:
                news = self._news
            with self._database.reading() as session:
                row = session.get(EngineAnswer, number)
                found = None if row is None else row.result
            if found is not None:
                return found
            with self._answered:
                # A notification may have been lost with its connection, so look from time to time.
                left = deadline - time.monotonic()
                if self._news == news and left > 0:
                    self._answered.wait(min(left, 1.0))
            if left <= 0:
                raise RealtimeUnavailable(f"the process that leads did not answer for the {engine} engine: try again")

    def _committed(self, tables: frozenset[str]) -> None:
        if EngineAnswer.__tablename__ in tables:
            with self._answered:
                self._news += 1
                self._answered.notify_all()
        if EngineQuestion.__tablename__ in tables:
            self.loop.wake()

    # The leader's part

    def turn(self) -> None:
        """Begin to answer every question that is open, and delete what nobody waits for."""
        with self._database.reading() as session:
            before = database_time.now(session) - OLD
            rows = session.execute(select(EngineQuestion.number, EngineQuestion.asked_at)).all()
            asked: dict[str, dt.datetime] = {row.number: row.asked_at for row in rows}
            old = session.scalar(select(EngineAnswer.number).where(EngineAnswer.answered_at < before).limit(1))
        if old is not None or any(at < before for at in asked.values()):
            with self._database.transaction() as session:
                session.execute(delete(EngineQuestion).where(EngineQuestion.asked_at < before))
                session.execute(delete(EngineAnswer).where(EngineAnswer.answered_at < before))
        for number, at in asked.items():
            with self._lock:
                begins = at >= before and number not in self._taken
                self._taken |= {number} if begins else set()
            if begins:
                self._threads.submit(self._answer, number)

    def _answer(self, number: str) -> None:
        try:
            with self._database.reading() as session:
                question = session.get(EngineQuestion, number)
                call = None if question is None else question.call
            if call is not None:
                account, engine, texts, language, *of_model = json.loads(call)
                model = EndpointModel(**of_model[0]) if of_model else None
                result = self._result(account, cast(EngineName, engine), from_json(texts), language, model)
                self._database.write(lambda session: _store(session, number, result), by_row_locks=True)
        except SQLAlchemyError as error:
            log.warning("a synchronous call of another process could not be answered: %s", error)
        finally:
            with self._lock:
                self._taken.discard(number)

    def _result(
        self,
        account: str,
        engine: EngineName,
        texts: Sequence[Given],
        language: str | None,
        model: EndpointModel | None,
    ) -> str:
        try:
            if model is None:
                return json.dumps({"answers": self._pool.analyse(account, engine, texts, language)})
            return json.dumps({"answers": self._pool.analyse_with(model, texts)})
        except ModelRefused as refused:
            return json.dumps({"refused": [refused.problem_code, refused.problem]})
        except AwsError as error:
            unavailable = isinstance(error, ServiceUnavailable)
            return json.dumps({"unavailable": unavailable, "message": error.message})

    def close(self) -> None:
        """Answer no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _store(session: Session, number: str, result: str) -> None:
    # Another leader may have answered it.
    gone = delete(EngineQuestion).where(EngineQuestion.number == number).returning(EngineQuestion.number)
    if session.scalars(gone).first() is not None:
        session.add(EngineAnswer(number=number, answered_at=database_time.now(session), result=result))


def _read(text: str) -> Sequence[Answer | None]:
    result = json.loads(text)
    if "answers" in result:
        return cast("Sequence[Answer | None]", result["answers"])
    if "refused" in result:
        raise ModelRefused(*result["refused"])
    if result["unavailable"]:
        raise ServiceUnavailable(result["message"])
    raise RealtimeUnavailable(result["message"])
