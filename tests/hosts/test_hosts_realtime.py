"""The pool of warm containers, with a container played by a thread."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest

from reading_room.analysis.engine import Result
from reading_room.analysis.memory import CapitalWords, WordSentiment
from reading_room.analysis.realtime import serve
from reading_room.analysis.realtime_documents import DocumentReader
from reading_room.comprehend.operations.documents import Document, characters_of
from reading_room.comprehend.operations.realtime import Answer, read_answer
from reading_room.hosts.engines_of_hosts import EnginesOfHosts
from reading_room.hosts.realtime import HEAVY, LIGHT, Bounds, NoContainers, RealtimePool, RealtimeUnavailable
from tests.worlds import made_documents as made
from tests.worlds.waiting import DEADLINE, eventually


class PlayedAgent:
    """Starts a thread for each container of the pool when it is woken."""

    def __init__(self, bounds: Bounds = Bounds(), now: Callable[[], float] = time.monotonic) -> None:
        self.lacks: str | None = None
        self.pool = RealtimePool(self.wake, bounds, now, lacks=lambda: self.lacks)
        self.started: list[str] = []
        self.ends: dict[str, socket.socket] = {}
        self.alive = True
        self.behaviour: Callable[[socket.socket], None] = lambda end: serve(CapitalWords(), end)

    def wake(self) -> None:
        """Take a turn."""
        if not self.alive:
            return
        for spec in self.pool.specs():
            if spec.container_id not in self.started:
                self.started.append(spec.container_id)
                ours, theirs = socket.socketpair()
                self.ends[spec.container_id] = theirs
                threading.Thread(target=self.behaviour, args=(theirs,), daemon=True).start()
                self.pool.arrived(spec.container_id, ours)


def texts_of(results: Sequence[Answer | None]) -> list[list[object]]:
    """Only the texts of entities."""
    return [[entity["Text"] for entity in result] for result in results if isinstance(result, list)]


def test_a_container_is_started_once_per_account_and_engine() -> None:
    agent = PlayedAgent()
    for _ in range(3):
        assert texts_of(agent.pool.analyse("1", "entities-en", ["Anna met Bo", ""], "en")) == [["Anna", "Bo"], []]
    agent.pool.analyse("2", "entities-en", ["x"], "en")
    agent.pool.analyse("1", "dominant-language", ["x"], None)
    assert len(agent.started) == 3


def test_a_call_goes_to_another_host_if_the_first_would_end_a_container_for_it_or_can_start_none() -> None:
    first, other = PlayedAgent(Bounds(containers=1)), PlayedAgent()
    engines = EnginesOfHosts(first.pool)

    def call(account: str) -> tuple[int, int]:
        assert texts_of(engines.analyse(account, "entities-en", ["Anna"], "en")) == [["Anna"]]
        return len(first.started), len(other.started)

    engines.use([first.pool, other.pool])
    assert call("1") == (1, 0)
    assert call("2") == (1, 1)
    assert call("1") == call("2") == (1, 1), "each call goes to the host that has its container"
    first.lacks = "the agent is not running"
    assert call("1") == (1, 2)
    other.lacks = "the models are missing"
    with pytest.raises(NoContainers, match="the agent is not running"):
        call("1")


class Lost(PlayedAgent):
    """An agent whose first container ends at once, and which is gone while its next one is awaited."""

    def __init__(self) -> None:
        super().__init__()
        self.behaviour = lambda end: end.close()
        self.wakes = 0

    def wake(self) -> None:
        """Take a turn, or be gone."""
        self.wakes += 1
        if self.wakes == 1:
            super().wake()
        elif self.wakes == 3:
            self.lacks = "the agent is not running"
            self.pool.forget_all()


def test_a_call_whose_host_is_lost_is_made_again_on_another_one() -> None:
    lost, other = Lost(), PlayedAgent()
    engines = EnginesOfHosts(lost.pool)
    engines.use([lost.pool, other.pool])
    assert texts_of(engines.analyse("1", "entities-en", ["Anna"], "en")) == [["Anna"]]
    assert (lost.wakes, len(lost.started), len(other.started)) == (3, 1, 1)


def test_a_host_that_takes_no_containers_gets_no_calls_unless_none_does() -> None:
    first, other = PlayedAgent(), PlayedAgent()
    engines = EnginesOfHosts(first.pool)
    engines.use([other.pool])
    engines.analyse("1", "entities-en", ["Anna"], "en")
    assert (first.started, len(other.started)) == ([], 1)
    engines.use([])
    engines.analyse("1", "entities-en", ["Anna"], "en")
    assert len(first.started) == 1


def test_many_threads_share_one_container_and_get_their_own_answers() -> None:
    agent = PlayedAgent()
    answers: dict[int, list[list[object]]] = {}

    def call(number: int) -> None:
        answers[number] = texts_of(agent.pool.analyse("1", "entities-en", [f"Name{number}"], "en"))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert answers == {number: [[f"Name{number}"]] for number in range(20)}
    assert len(agent.started) == 1


def test_a_container_that_dies_is_replaced_and_the_call_made_again() -> None:
    agent = PlayedAgent()
    agent.pool.analyse("1", "entities-en", ["Anna"], "en")
    agent.ends[agent.started[0]].shutdown(socket.SHUT_RDWR)
    assert texts_of(agent.pool.analyse("1", "entities-en", ["Bo"], "en")) == [["Bo"]]
    assert len(agent.started) == 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"[1]", id="no object"),
        pytest.param(b'{"id": 1, "results": [[1]]}', id="an entity that is a number"),
        pytest.param(b'{"id": 1, "results": ["a"]}', id="a text for a list"),
        pytest.param(b'{"id": 1, "results": [[null]]}', id="an entity that is null"),
        pytest.param(b'{"id": 1, "results": [{}]}', id="members without the entities"),
        pytest.param(b'{"id": 1, "results": [[{"Score": "x"}]]}', id="a score that is a text"),
        pytest.param(b'{"id": 1, "results": [[{"Score": %s}]]}' % (b"9" * 400), id="a score of 400 digits"),
        pytest.param(b'{"id": 1, "results": [[{"BeginOffset": %s}]]}' % (b"9" * 5000), id="an offset of 5,000 digits"),
        pytest.param(b'{"id": 1, "results": [[{"Text": "\\ud800"}]]}', id="half of a surrogate pair"),
        pytest.param(b'{"id": 1, "results": %s}' % (b"[" * 200_000), id="a deep nest"),
        pytest.param(b'{"id": 1, "results": [{"Refused": ["INVALID_DOCUMENT", "x"]}]}', id="a refusal of a text"),
    ],
)
def test_a_container_that_answers_nonsense_twice_is_an_error_of_the_service(answer: bytes) -> None:
    agent = PlayedAgent()

    def nonsense(end: socket.socket) -> None:
        with end, end.makefile("rwb") as stream:
            stream.write(b'{"ready": true}\n')
            stream.flush()
            stream.readline()
            stream.write(answer + b"\n")
            stream.flush()

    agent.behaviour = nonsense
    with pytest.raises(RealtimeUnavailable, match="did not answer"):
        agent.pool.analyse("1", "entities-en", ["Anna"], "en")
    assert len(agent.started) == 2
    assert agent.pool.specs() == ()


@pytest.mark.parametrize(
    "refusal",
    ['["OTHER", "x"]', '["INVALID_DOCUMENT"]', '["INVALID_DOCUMENT", 5]', '["INVALID_DOCUMENT", "\\u001b"]', "5"],
)
def test_a_refusal_that_no_reader_gives_is_not_believed(refusal: str) -> None:
    with pytest.raises(ValueError, match="refusal"):
        read_answer("entities-en", {"Refused": json.loads(refusal)}, document=True)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"Labels": []},
        {"Toxicity": 0.5},
        {"Labels": [], "Toxicity": "x"},
        {"Labels": [{"Name": 5, "Score": 0.5}], "Toxicity": 0.5},
        [],
        "x",
        None,
    ],
)
def test_an_answer_for_toxic_content_has_both_members_of_the_api(answer: object) -> None:
    with pytest.raises(ValueError, match="engine's answer"):
        read_answer("toxicity-en", answer)


def test_if_no_container_can_start_a_call_fails_at_once_and_requests_none() -> None:
    lacks: list[str | None] = ["the agent is not running"]
    pool = RealtimePool(lambda: None, lacks=lambda: lacks[0])
    with pytest.raises(NoContainers, match="the agent is not running") as raised:
        pool.analyse("1", "entities-en", ["Anna"], "en")
    assert (raised.value.code, raised.value.status) == ("ServiceUnavailable", 503)
    assert pool.specs() == ()


def test_a_call_that_waits_for_its_container_fails_when_the_agent_is_gone() -> None:
    lacks: list[str | None] = [None]
    requested = threading.Event()
    pool = RealtimePool(requested.set, lacks=lambda: lacks[0])
    failures: list[Exception] = []

    def call() -> None:
        try:
            pool.analyse("1", "entities-en", ["Anna"], "en")
        except NoContainers as error:
            failures.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert requested.wait(DEADLINE)
    lacks[0] = "the agent is not running"
    pool.forget_all()
    thread.join(DEADLINE)
    assert len(failures) == 1
    assert pool.specs() == ()


def test_without_an_agent_a_call_fails_and_says_what_to_check() -> None:
    agent = PlayedAgent(Bounds(start_seconds=0))
    agent.alive = False
    with pytest.raises(RealtimeUnavailable, match="doctor"):
        agent.pool.analyse("1", "entities-en", ["Anna"], "en")


def test_a_container_is_replaced_after_so_many_calls() -> None:
    agent = PlayedAgent(Bounds(calls=2))
    for _ in range(3):
        agent.pool.analyse("1", "entities-en", ["Anna"], "en")
    first, second = agent.started
    eventually(lambda: {spec.container_id for spec in agent.pool.specs()} == {second})
    assert texts_of(agent.pool.analyse("1", "entities-en", ["Anna"], "en")) == [["Anna"]]
    assert agent.started == [first, second]


def test_no_call_waits_for_the_container_that_replaces_another() -> None:
    agent = PlayedAgent(Bounds(calls=1))
    may_load = threading.Event()

    def slow_to_load(end: socket.socket) -> None:
        assert may_load.wait(DEADLINE)
        serve(CapitalWords(), end)

    agent.pool.analyse("1", "entities-en", ["Anna"], "en")
    agent.behaviour = slow_to_load
    for _ in range(3):
        assert texts_of(agent.pool.analyse("1", "entities-en", ["Bo"], "en")) == [["Bo"]]
    assert len(agent.started) == 2
    assert len(agent.pool.specs()) == 2, "both run, and the first one answers"
    may_load.set()
    eventually(lambda: [spec.container_id for spec in agent.pool.specs()] == agent.started[1:])


def test_a_container_that_dies_before_its_successor_is_ready_leaves_the_calls_to_it() -> None:
    agent = PlayedAgent(Bounds(calls=1))
    may_load = threading.Event()

    def slow_to_load(end: socket.socket) -> None:
        assert may_load.wait(DEADLINE)
        serve(CapitalWords(), end)

    agent.pool.analyse("1", "entities-en", ["Anna"], "en")
    agent.behaviour = slow_to_load
    agent.pool.analyse("1", "entities-en", ["Bo"], "en")
    agent.ends[agent.started[0]].shutdown(socket.SHUT_RDWR)
    may_load.set()
    assert texts_of(agent.pool.analyse("1", "entities-en", ["Cy"], "en")) == [["Cy"]]
    assert len(agent.started) == 2


def test_a_container_whose_successor_fails_answers_on_and_gets_another_later() -> None:
    agent = PlayedAgent(Bounds(calls=2))
    agent.pool.analyse("1", "entities-en", ["Anna"], "en")
    agent.pool.analyse("1", "entities-en", ["Anna"], "en")
    agent.behaviour = lambda end: end.close()
    agent.pool.analyse("1", "entities-en", ["Bo"], "en")
    first = agent.started[0]
    eventually(lambda: [spec.container_id for spec in agent.pool.specs()] == [first])
    agent.behaviour = lambda end: serve(CapitalWords(), end)
    for _ in range(3):
        assert texts_of(agent.pool.analyse("1", "entities-en", ["Cy"], "en")) == [["Cy"]]
    eventually(lambda: [spec.container_id for spec in agent.pool.specs()] == agent.started[2:])


def test_containers_of_all_accounts_are_limited_and_the_oldest_makes_room() -> None:
    agent = PlayedAgent(Bounds(containers=2))
    for account in ("1", "2", "1", "3"):
        agent.pool.analyse(account, "entities-en", ["Anna"], "en")
    assert [spec.account for spec in sorted(agent.pool.specs(), key=lambda spec: spec.account)] == ["1", "3"]


def test_an_agent_that_reconnects_starts_new_containers() -> None:
    agent = PlayedAgent()
    agent.pool.analyse("1", "entities-en", ["Anna"], "en")
    agent.pool.forget_all()
    assert texts_of(agent.pool.analyse("1", "entities-en", ["Bo"], "en")) == [["Bo"]]


@pytest.mark.costs(3, reason="the process that reads documents starts")
def test_a_document_is_read_in_the_container_or_refused() -> None:
    agent = PlayedAgent()
    with closing(DocumentReader()) as reader:
        agent.behaviour = lambda end: serve(CapitalWords(), end, reader=reader)

        def ask(content: bytes) -> dict[str, Any]:
            (answer,) = agent.pool.analyse("1", "entities-en", [Document(content, language="en")], "en")
            assert isinstance(answer, dict)
            return answer

        read = ask(made.pdf([["Anna met Bo"]]))
        assert [each["Text"] for each in read["Entities"]] == ["Anna", "Bo"]
        assert read["Blocks"][0]["Text"] == "Anna met Bo"
        assert characters_of(Document(b""), read) == 11
        refused = ask(b"%PDF-1.7 broken")
        assert refused == {"Refused": ["INVALID_DOCUMENT", "it is not a PDF that can be read"]}
        assert texts_of(agent.pool.analyse("1", "entities-en", ["Cy"], "en")) == [["Cy"]]
    assert len(agent.started) == 1


def test_an_engine_may_answer_members_side_by_side() -> None:
    agent = PlayedAgent()
    agent.behaviour = lambda end: serve(WordSentiment(), end)
    good, neither = agent.pool.analyse("1", "sentiment-en", ["good", "x"], "en")
    assert isinstance(good, dict)
    assert isinstance(neither, dict)
    assert (good["Sentiment"], neither["Sentiment"]) == ("POSITIVE", "NEUTRAL")


class Fragile(CapitalWords):
    """An engine that fails on a certain word in the middle of any batch."""

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the capitalised words of each text."""
        for text in texts:
            if text == "break":
                raise RuntimeError("broken")
            yield from super().analyse([text])


def test_a_text_that_breaks_the_engine_fails_alone() -> None:
    agent = PlayedAgent()
    agent.behaviour = lambda end: serve(Fragile(), end)
    answers = agent.pool.analyse("1", "entities-en", ["Anna", "break", "Bo"], "en")
    assert answers[1] is None
    assert texts_of(answers) == [["Anna"], ["Bo"]]
    assert len(agent.started) == 1


def test_the_memory_of_all_containers_is_limited() -> None:
    agent = PlayedAgent(Bounds(memory=2 * HEAVY + LIGHT))
    for engine in ("entities-en", "dominant-language", "syntax-en"):
        agent.pool.analyse("1", engine, ["Anna"], "en")
    assert len(agent.pool.specs()) == 3
    agent.pool.analyse("1", "key-phrases-en", ["Anna"], "en")
    # The one unused for longest made room, and it was enough.
    assert {spec.engine for spec in agent.pool.specs()} == {"dominant-language", "syntax-en", "key-phrases-en"}


def test_an_engine_larger_than_the_bound_still_answers() -> None:
    agent = PlayedAgent(Bounds(memory=1))
    for account in ("1", "2"):
        assert texts_of(agent.pool.analyse(account, "entities-en", ["Anna"], "en")) == [["Anna"]]
    assert [spec.account for spec in agent.pool.specs()] == ["2"]


def test_a_container_in_the_middle_of_a_call_does_not_make_room_while_another_is_idle() -> None:
    agent = PlayedAgent(Bounds(containers=2))
    going, done = threading.Event(), threading.Event()

    class Slow(CapitalWords):
        def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
            going.set()
            assert done.wait(DEADLINE)
            yield from super().analyse(texts)

    agent.behaviour = lambda end: serve(Slow(), end)
    answers: list[Sequence[Answer | None]] = []
    caller = threading.Thread(target=lambda: answers.append(agent.pool.analyse("1", "entities-en", ["Anna"], "en")))
    caller.start()
    assert going.wait(DEADLINE)
    agent.behaviour = lambda end: serve(CapitalWords(), end)
    for account in ("2", "3"):
        agent.pool.analyse(account, "entities-en", ["Bo"], "en")
    done.set()
    caller.join(DEADLINE)
    assert [texts_of(answer) for answer in answers] == [[["Anna"]]]
    assert {spec.account for spec in agent.pool.specs()} == {"1", "3"}
    assert len(agent.started) == 3


def test_an_unused_container_is_ended() -> None:
    seconds = 1000.0
    agent = PlayedAgent(Bounds(idle_seconds=600), lambda: seconds)
    agent.pool.analyse("1", "entities-en", ["Anna"], "en")
    seconds += 600
    assert len(agent.pool.specs()) == 1
    seconds += 1
    assert agent.pool.specs() == ()
