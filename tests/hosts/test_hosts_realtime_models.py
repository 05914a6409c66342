"""Containers with a custom model in the pool, with a container played by a thread."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace

import pytest

from reading_room.analysis.engine import Engine, Result
from reading_room.analysis.job_file import Done, ModelPlace
from reading_room.analysis.program import Work
from reading_room.analysis.realtime import serve
from reading_room.analysis.realtime_documents import DocumentReader
from reading_room.analysis.storage import JobFailure
from reading_room.comprehend.endpoints.errors import NoRoomToWake
from reading_room.comprehend.endpoints.models import MOST_MODELS, EndpointModel, ModelRefused
from reading_room.comprehend.operations.documents import Document, characters_of
from reading_room.hosts.engines_of_hosts import EnginesOfHosts
from reading_room.hosts.realtime import Bounds, NoContainers, RealtimePool
from tests.worlds import made_documents as made
from tests.worlds.waiting import DEADLINE, eventually

CONTENT = b"classes and their weights"
MODEL = EndpointModel(
    account="111122223333",
    engine="classification",
    arn="arn:aws:comprehend:us-east-1:111122223333:document-classifier/tickets",
    artifact_uri="s3://models/tickets",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size=len(CONTENT),
)
OTHER = replace(MODEL, arn=f"{MODEL.arn}/version/v2", artifact_uri="s3://models/other")


class Classes:
    """An engine that knows one class, which has the name of the model's object."""

    result_member = "Classes"

    def __init__(self, place: ModelPlace) -> None:
        self._name = place.artifact.key

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the class of each text."""
        for _ in texts:
            yield [{"Name": self._name, "Score": 0.5}]


class Classification:
    """The program of ``Classes``, which takes every model but one."""

    def with_model(self, content: bytes, place: ModelPlace) -> Engine:
        """Return the engine."""
        if content != CONTENT:
            raise JobFailure("MODEL_TAMPERED", "it is malformed\x1b[2J")
        return Classes(place)

    def run(self, work: Work) -> Done:
        """Do nothing, since there are no jobs."""
        raise AssertionError(work)

    def engine(self, work: Work) -> Engine:
        """Do nothing, since there are no jobs."""
        raise AssertionError(work)


def served(end: socket.socket, reader: DocumentReader | None) -> None:
    """Be a container until the pool closes its end."""
    with suppress(ConnectionResetError, BrokenPipeError):
        serve(Classification(), end, reader=reader)


class PlayedAgent:
    """Starts a thread for each container of the pool when it is woken."""

    def __init__(self, content: bytes = CONTENT, bounds: Bounds = Bounds()) -> None:
        self.content = content
        self.lacks: str | None = None
        self.shortage: str | None = None
        self.seconds = 1000.0
        self.reader: DocumentReader | None = None
        self.pool = RealtimePool(
            self.wake,
            bounds,
            lambda: self.seconds,
            lambda: self.lacks,
            artifacts=lambda model: [self.content],
            shortage=lambda model: self.shortage,
        )
        self.ends: dict[str, socket.socket] = {}

    def wake(self) -> None:
        """Take a turn."""
        for spec in self.pool.specs():
            if spec.container_id not in self.ends:
                ours, theirs = socket.socketpair()
                self.ends[spec.container_id] = theirs
                threading.Thread(target=served, args=(theirs, self.reader), daemon=True).start()
                self.pool.arrived(spec.container_id, ours)

    def running(self) -> set[str]:
        """Return the containers that should run."""
        return {spec.container_id for spec in self.pool.specs()}


def name_of(agent: PlayedAgent | EnginesOfHosts, model: EndpointModel = MODEL) -> object:
    """Return the class that a model finds in a text."""
    pool = agent.pool if isinstance(agent, PlayedAgent) else agent
    (answer,) = pool.analyse_with(model, ["Where is my parcel?"])
    assert isinstance(answer, dict)
    return answer["Classes"][0]["Name"]


def test_each_model_has_a_container_of_its_own_which_is_kept_although_it_is_unused() -> None:
    agent = PlayedAgent()
    agent.pool.keep([MODEL, OTHER])
    assert len(agent.ends) == 2, "the containers start before the first call"
    assert (name_of(agent), name_of(agent, OTHER)) == ("tickets", "other")
    agent.seconds += 10_000
    assert agent.running() == set(agent.ends)


def test_a_model_without_calls_sleeps_and_wakes_for_the_next_one() -> None:
    agent = PlayedAgent(bounds=Bounds(sleep_seconds=900))
    agent.pool.keep([MODEL, OTHER])
    for model in (MODEL, OTHER):
        agent.pool.load(model)
    agent.seconds += 800
    name_of(agent, OTHER)
    agent.seconds += 200
    (awake,) = agent.running()
    assert agent.pool.ready(MODEL), "an endpoint whose model sleeps is in service"
    agent.pool.load(MODEL)
    assert agent.running() == {awake}, "only a call wakes it"
    assert name_of(agent) == "tickets"
    assert len(agent.running()) == 2


def test_a_model_wakes_only_if_there_is_memory_for_it() -> None:
    agent = PlayedAgent(bounds=Bounds(sleep_seconds=900))
    agent.pool.keep([MODEL])
    agent.pool.load(MODEL)
    agent.shortage = "INSUFFICIENT_MEMORY: it needs more."
    assert name_of(agent) == "tickets", "one that is awake has its memory"
    agent.seconds += 1000
    assert agent.running() == set()
    with pytest.raises(NoRoomToWake, match=r"it needs more\. The model sleeps, and the next call tries again\."):
        name_of(agent)
    assert agent.running() == set()
    assert agent.pool.ready(MODEL), "its endpoint stays in service"
    agent.shortage = None
    assert name_of(agent) == "tickets"


def test_the_agent_can_tell_the_containers_of_two_models_apart() -> None:
    agent = PlayedAgent()
    agent.pool.keep([MODEL, OTHER])
    models = {spec.model for spec in agent.pool.specs()}
    assert models == {MODEL.digest, OTHER.digest}
    assert MODEL.arn not in str(agent.pool.specs())


def test_a_model_is_ready_when_its_container_has_loaded_it() -> None:
    agent = PlayedAgent()
    agent.pool.keep([MODEL])
    assert not agent.pool.ready(MODEL)
    agent.pool.load(MODEL)
    assert agent.pool.ready(MODEL)
    (end,) = agent.ends.values()
    end.shutdown(socket.SHUT_RDWR)
    assert not agent.pool.ready(MODEL)


def test_a_model_that_was_tampered_with_is_not_loaded_again_and_its_old_container_answers_on() -> None:
    agent = PlayedAgent(bounds=Bounds(calls=1))
    agent.pool.keep([MODEL])
    name_of(agent)
    agent.content = b"something else"
    first = agent.running()
    assert name_of(agent) == "tickets"
    eventually(lambda: len(agent.ends) == 2 and agent.running() == first)
    assert name_of(agent) == "tickets"


def test_a_container_whose_model_is_not_kept_any_more_ends_when_it_has_answered() -> None:
    agent = PlayedAgent()
    agent.pool.keep([MODEL])
    name_of(agent)
    agent.pool.keep([])
    assert len(agent.running()) == 1, "a call may still be on its way"
    agent.seconds += 6
    assert not agent.running()


def test_of_too_many_containers_those_that_are_not_kept_end_at_once() -> None:
    agent = PlayedAgent()
    models = [replace(MODEL, arn=f"{MODEL.arn}/version/v{number}") for number in range(MOST_MODELS + 1)]
    agent.pool.keep(models)
    agent.pool.keep(models[1:])
    assert len(agent.running()) == MOST_MODELS


def test_a_kept_container_that_dies_is_replaced_before_a_call_needs_it() -> None:
    agent = PlayedAgent()
    arrivals: list[int] = []
    agent.pool.keep([MODEL], lambda: arrivals.append(len(agent.ends)))
    agent.pool.load(MODEL)
    (first,) = agent.ends
    agent.ends[first].shutdown(socket.SHUT_RDWR)
    agent.wake()
    assert agent.running() == set(agent.ends) - {first}
    assert arrivals == [1, 2], "the loop that loads models is told of each"
    assert name_of(agent) == "tickets"


def test_a_model_that_is_not_the_trained_one_never_reaches_a_container() -> None:
    agent = PlayedAgent(content=b"something else")
    agent.pool.keep([MODEL])
    with pytest.raises(ModelRefused, match=f"MODEL_TAMPERED: the artifact of {MODEL.arn} is not the one that"):
        agent.pool.load(MODEL)


def test_a_model_that_its_container_cannot_load_is_refused_in_printable_words() -> None:
    agent = PlayedAgent(content=b"x")
    model = replace(MODEL, sha256=hashlib.sha256(b"x").hexdigest())
    with pytest.raises(ModelRefused) as refused:
        agent.pool.analyse_with(model, ["Anna"])
    assert refused.value.message == "MODEL_TAMPERED: it is malformed\\x1b[2J."


def test_a_container_for_texts_never_takes_the_place_of_a_model() -> None:
    agent = PlayedAgent(bounds=Bounds(containers=1, memory=1))
    agent.pool.keep([MODEL])
    first = agent.running()
    for account in ("1", "2"):
        assert agent.pool.burden(account, "entities-en") < 3
        with agent.pool._lock:
            agent.pool._start((account, "entities-en", None), agent.seconds)
    assert first < agent.running()
    assert len(agent.running()) == 2


def test_a_model_moves_to_another_host_if_its_own_cannot_start_containers() -> None:
    first, other = PlayedAgent(), PlayedAgent()
    engines = EnginesOfHosts(first.pool)
    engines.use([first.pool, other.pool])
    engines.keep([MODEL], lambda: None)
    assert (len(first.ends), len(other.ends)) == (1, 0)
    first.lacks = "the agent is not running"
    first.pool.forget_all()
    engines.use([first.pool, other.pool])
    assert name_of(engines) == "tickets"
    assert (first.running(), len(other.running())) == (set(), 1)
    other.lacks = "the models are missing"
    with pytest.raises(NoContainers, match="the agent is not running"):
        engines.load(MODEL)


@pytest.mark.costs(3, reason="the process that reads documents starts")
def test_a_document_is_read_beside_the_model_and_its_classes_have_a_page() -> None:
    agent = PlayedAgent()
    with closing(DocumentReader()) as agent.reader:
        (answer,) = agent.pool.analyse_with(MODEL, [Document(made.pdf([["Where is my parcel?"]]))])
    assert isinstance(answer, dict)
    assert answer["Classes"] == [{"Name": "tickets", "Score": 0.5, "Page": 1}]
    assert answer["DocumentType"] == [{"Page": 1, "Type": "NATIVE_PDF"}]
    assert characters_of(Document(b""), answer) == 19


def test_calls_from_many_threads_share_the_container_of_a_model() -> None:
    agent = PlayedAgent()
    agent.pool.keep([MODEL])
    names: list[object] = []
    threads = [threading.Thread(target=lambda: names.append(name_of(agent))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert names == ["tickets"] * 20
    assert len(agent.ends) == 1
