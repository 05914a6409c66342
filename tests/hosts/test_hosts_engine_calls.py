"""Synchronous calls to a process that does not lead: the leader makes the analysis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing

import pytest

import reading_room.wiring.server  # noqa: F401 # declares every table
from reading_room.analysis.kind import EngineName
from reading_room.aws.errors import ServiceUnavailable
from reading_room.comprehend.errors import InternalServerException
from reading_room.comprehend.operations.documents import Document, Given
from reading_room.comprehend.operations.realtime import Answer
from reading_room.database.engine import Database
from reading_room.hosts.engine_calls import SharedEngines
from reading_room.hosts.realtime import NoContainers, RealtimeUnavailable
from reading_room.hosts.tables import EngineAnswer, EngineQuestion
from tests.worlds import postgresql
from tests.worlds.comprehend import NoModels
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.costs(0.5, reason="a database of PostgreSQL is copied, and processes wait for each other")
SECRET = "Ann lives in Gdańsk"


class Engines(NoModels):
    """Engines that answer with each text, or that lack something."""

    def __init__(self) -> None:
        self.lacks: Exception | None = None
        self.calls: list[tuple[str, str, str | None]] = []

    def analyse(
        self, account: str, engine: EngineName, texts: Sequence[Given], language: str | None
    ) -> Sequence[Answer | None]:
        """Return one answer for each text."""
        self.calls.append((account, engine, language))
        if self.lacks is not None:
            raise self.lacks
        return [self._answer(text) for text in texts]

    def _answer(self, text: Given) -> Answer | None:
        if isinstance(text, Document):
            return {"Entities": [], "Blocks": [{"Text": repr(text)}]}
        return None if text == "break" else [{"Text": text, "Score": 0.5}]


class Process:
    """One process, which leads or not."""

    def __init__(self, name: str, leads: bool) -> None:
        self.leads = leads
        self.database: Database = postgresql.connected(name)
        self.pool = Engines()
        self.engines = SharedEngines(self.database, self.pool, lambda: self.leads)
        self.database.listen()
        if leads:
            self.engines.loop.start()

    def ask(self, *texts: Given) -> Sequence[Answer | None]:
        """Analyse texts."""
        return self.engines.analyse("111122223333", "entities-en", texts, "en")

    def close(self) -> None:
        """End the process."""
        self.engines.loop.stop()
        self.engines.close()
        self.database.close()


@pytest.fixture
def two() -> Iterator[tuple[Process, Process]]:
    """The leader, and another process."""
    with ExitStack() as stack:
        name = stack.enter_context(postgresql.filled())
        leader, other = (stack.enter_context(closing(Process(name, leads))) for leads in (True, False))
        yield leader, other


def left(database: Database) -> list[bytes]:
    """Return what the rows of questions and answers have, as it is stored."""
    with database.reading() as session:
        return [
            *(row.sealed_call for row in session.query(EngineQuestion)),
            *(row.sealed_result for row in session.query(EngineAnswer)),
        ]


def test_the_leader_answers_for_the_others(two: tuple[Process, Process]) -> None:
    leader, other = two
    assert other.ask(SECRET, "break", "") == [[{"Text": SECRET, "Score": 0.5}], None, [{"Text": "", "Score": 0.5}]]
    assert (leader.pool.calls, other.pool.calls) == ([("111122223333", "entities-en", "en")], [])
    assert leader.ask("own") == [[{"Text": "own", "Score": 0.5}]]
    assert len(leader.pool.calls) == 2
    stored = left(leader.database)
    assert stored
    assert not any(SECRET.encode() in each for each in stored)


def test_a_document_reaches_the_leader_as_it_is(two: tuple[Process, Process]) -> None:
    document = Document(bytes(range(256)), force_ocr=True, language="de")
    assert two[1].ask(document) == [{"Entities": [], "Blocks": [{"Text": repr(document)}]}]


@pytest.mark.parametrize(
    ("lacks", "seen"),
    [
        (NoContainers("the agent is gone"), ServiceUnavailable),
        (RealtimeUnavailable("it died"), InternalServerException),
    ],
)
def test_a_failure_of_the_leader_is_told(two: tuple[Process, Process], lacks: Exception, seen: type[Exception]) -> None:
    leader, other = two
    leader.pool.lacks = lacks
    with pytest.raises(seen, match=str(lacks).partition(":")[0]):
        other.ask("text")


def test_the_next_leader_answers_what_the_former_one_left(two: tuple[Process, Process]) -> None:
    leader, other = two
    leader.engines.loop.stop()
    third = SharedEngines(other.database, other.pool, lambda: False, seconds=0.1)
    with pytest.raises(RealtimeUnavailable, match="try again"):
        third.analyse("111122223333", "entities-en", ["left"], "en")
    other.leads = True
    other.engines.loop.start()
    eventually(lambda: other.pool.calls)
    third.close()
