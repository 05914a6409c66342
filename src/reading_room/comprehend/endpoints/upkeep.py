"""The background loop of model endpoints: it has their models loaded, and removes deleted endpoints.

A turn takes no input and can be interrupted anywhere: the next one finds what is left to do. It loads the models of
endpoints in service again too, because their containers may have ended meanwhile. Each model is loaded in a thread of
its own, so that none waits for another.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from reading_room.aws.errors import AwsError
from reading_room.clock import Clock
from reading_room.comprehend.endpoints.endpoints import SERVING
from reading_room.comprehend.endpoints.errors import model_gone, too_little_memory, too_many_models
from reading_room.comprehend.endpoints.models import MOST_MODELS, EndpointModel, ModelContainers, ModelRefused, model_of
from reading_room.comprehend.errors import ResourceNotFoundException
from reading_room.comprehend.tables import EndpointRow
from reading_room.database.engine import Database
from reading_room.jobs.tables import JobTagRow
from reading_room.reconcile import PeriodicWork
from reading_room.state_events.event import DELETED, failure_code, record

logger = logging.getLogger(__name__)

TURN_SECONDS = 5.0
"""How often the endpoints are checked without a signal."""
STOP_SECONDS = 1.0
"""How long the end of the loop waits for models that are being loaded."""
PATIENCE = dt.timedelta(minutes=5)
"""How long the containers for a new endpoint or an update may be unable to start."""


@dataclass(frozen=True, slots=True)
class Room:
    """The bytes of memory that the models of all endpoints may use together, and those that are free now."""

    limit: int
    free: int


class EndpointUpkeep(PeriodicWork):
    """The loop that makes endpoints what their rows say."""

    def __init__(
        self, database: Database, containers: ModelContainers, clock: Clock, room: Callable[[], Room | None]
    ) -> None:
        """``room`` returns the room for models; ``None`` while it is unknown."""
        self._database = database
        self._containers = containers
        self._clock = clock
        self._room = room
        self._loading: dict[EndpointModel, threading.Thread] = {}
        self._kept: frozenset[EndpointModel] = frozenset()
        super().__init__("model endpoints", every=TURN_SECONDS)
        database.on_commit(self._written)

    def turn(self) -> None:
        """Do everything that the rows require. Models are loaded meanwhile, each on its own."""
        with self._database.reading() as session:
            # Endpoints in service come first: what they use is not free for others.
            rows = sorted(session.scalars(select(EndpointRow)).all(), key=_order)
            used = [(row, _models(session, row)) for row in rows]
        kept: dict[EndpointModel, None] = {}
        wanted: dict[EndpointModel, list[EndpointRow]] = {}
        for row, (current, desired) in used:
            if row.status == "DELETING":
                self._remove(row)
            elif row.status == "FAILED":
                continue
            elif desired is None:
                kept |= _set(current)
                self._fail(row, model_gone())
            elif row.status != "IN_SERVICE" and (problem := self._refusal(desired, kept | _set(current))) is not None:
                kept |= _set(current)
                self._fail(row, problem)
            else:
                kept |= _set(current) | _set(desired)
                wanted.setdefault(desired, []).append(row)
        self._kept = frozenset(kept)
        self._containers.keep(tuple(kept), self.wake)
        for model, rows_of_model in wanted.items():
            if self._containers.ready(model):
                self._loaded(rows_of_model)
            elif model not in self._loading:
                self._begin(model, rows_of_model)

    def shortage(self, model: EndpointModel) -> str | None:
        """Return why there is no memory to wake a model that sleeps; ``None`` if there is. Callable from any thread."""
        return self._shortage(model, self._kept - {model})

    def settle(self, seconds: float) -> bool:
        """Wait until no model is being loaded; return whether that was within ``seconds``."""
        end = time.monotonic() + seconds
        for thread in list(self._loading.values()):
            thread.join(max(0.0, end - time.monotonic()))
        return not self._loading

    def stop(self) -> bool:
        """Stop the loop, and wait a moment for models that are being loaded; return whether all ended."""
        return super().stop() and self.settle(STOP_SECONDS)

    def _written(self, tables: frozenset[str]) -> None:
        if EndpointRow.__tablename__ in tables and not self._loop.turning_here():
            self._loop.wake()

    def _refusal(self, model: EndpointModel, kept: Collection[EndpointModel]) -> str | None:
        """Return why a model cannot be loaded beside those that are kept; ``None`` if it can."""
        if model in kept:
            return None
        if len(kept) >= MOST_MODELS:
            return too_many_models(MOST_MODELS)
        return self._shortage(model, kept)

    def _shortage(self, model: EndpointModel, others: Collection[EndpointModel]) -> str | None:
        room, used = self._room(), sum(each.memory for each in others)
        if room is None or (used + model.memory <= room.limit and model.memory <= room.free):
            return None
        return too_little_memory(model.arn, model.memory, used, room.limit, room.free)

    def _begin(self, model: EndpointModel, rows: Sequence[EndpointRow]) -> None:
        thread = threading.Thread(target=self._load, args=(model, rows), name="endpoint-model", daemon=True)
        self._loading[model] = thread
        try:
            thread.start()
        except RuntimeError:  # The machine lacks resources for a thread: the next turn tries again.
            del self._loading[model]
            raise

    def _load(self, model: EndpointModel, rows: Sequence[EndpointRow]) -> None:
        """Load a model for endpoints, in a thread of its own."""
        try:
            try:
                self._containers.load(model)
            except ModelRefused as refused:
                for row in rows:
                    self._fail(row, refused.message)
            except AwsError as error:
                self._not_yet(rows, error)
            else:
                self._loaded(rows)
                self.wake()  # For endpoints that have come to use the model meanwhile.
        except Exception:
            logger.exception("the model %s could not be loaded, which will be retried", model.arn)
        finally:
            del self._loading[model]

    def _loaded(self, rows: Sequence[EndpointRow]) -> None:
        for row in rows:
            if row.status != "IN_SERVICE":
                self._change(row, _in_service)

    def _not_yet(self, rows: Sequence[EndpointRow], error: AwsError) -> None:
        for row in rows:
            if row.status != "IN_SERVICE" and self._clock() - row.modified_at > PATIENCE:
                self._fail(row, error.message)
            else:
                logger.warning("the model of %s is not loaded yet: %s", row.arn, error.message)

    def _fail(self, row: EndpointRow, problem: str) -> None:
        logger.warning("endpoint %s: %s", row.arn, problem)
        self._change(row, lambda current: _failed(current, problem))

    def _change(self, row: EndpointRow, change: Callable[[EndpointRow], None]) -> None:
        """Change an endpoint, unless somebody else has meanwhile."""
        with self._database.transaction() as session:
            current = session.get(EndpointRow, row.arn)
            if current is not None and (current.status, current.modified_at) == (row.status, row.modified_at):
                change(current)
                current.modified_at = self._clock()
                code = failure_code(current.message)
                record(session, "Endpoint", current.arn, current.status, current.modified_at, FailureCode=code)

    def _remove(self, row: EndpointRow) -> None:
        with self._database.transaction() as session:
            session.execute(delete(JobTagRow).where(JobTagRow.arn == row.arn))
            session.execute(delete(EndpointRow).where(EndpointRow.arn == row.arn))
            record(session, "Endpoint", row.arn, DELETED, self._clock())


def _order(row: EndpointRow) -> tuple[bool, dt.datetime, str]:
    return row.status not in SERVING, row.created_at, row.arn


def _models(session: Session, row: EndpointRow) -> Sequence[EndpointModel | None]:
    """Return the model that an endpoint answers with, and the one that it should; ``None`` for one that is gone."""
    found: list[EndpointModel | None] = []
    for arn in (row.model_arn, row.desired_model_arn):
        try:
            found.append(None if arn is None else model_of(session, row.account, arn))
        except ResourceNotFoundException:
            found.append(None)
    return found


def _set(model: EndpointModel | None) -> dict[EndpointModel, None]:
    return {} if model is None else {model: None}


def _in_service(row: EndpointRow) -> None:
    row.status, row.message = "IN_SERVICE", None
    row.model_arn, row.units, row.role_arn = row.desired_model_arn, row.desired_units, row.desired_role_arn


def _failed(row: EndpointRow, problem: str) -> None:
    """Note a failure. An endpoint whose update fails goes on with what it has, if it has anything."""
    row.message = problem
    if row.status == "UPDATING" and row.model_arn is not None and row.units is not None:
        row.status = "IN_SERVICE"
        row.desired_model_arn, row.desired_units, row.desired_role_arn = row.model_arn, row.units, row.role_arn
    else:
        row.status = "FAILED"
