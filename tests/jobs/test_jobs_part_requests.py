"""The requests of a job's containers for certificates and parts: who gets which reply, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.call import Reply
from reading_room.clock import system_clock
from reading_room.jobs import parts
from reading_room.jobs.cluster_identity import Authorities
from tests.worlds.part_requests import VPC, PartRequestsWorld
from tests.worlds.parts import FOLDER, JOB, add_job, digest_of

PLAN = {"Digest": digest_of("plan"), "Parts": [[1_000_000, 480], [20_000, None]]}
STRANGER = "10.0.1.200"


@pytest.fixture
def world() -> Iterator[PartRequestsWorld]:
    """A job with three containers."""
    world = PartRequestsWorld(None)
    yield world
    world.database.close()


@pytest.fixture(scope="module")
def lasting() -> Iterator[PartRequestsWorld]:
    """The same for very many requests."""
    world = PartRequestsWorld(None)
    yield world
    world.database.close()


def result(fence: int = 1, attempt: int = 1, number: int = 0, **changes: Any) -> dict[str, Any]:
    """Return the request for a finished part."""
    said = {
        "Fence": fence,
        "Key": f"{FOLDER}/output/parts/{attempt}/{number}-0-5eed",
        "Size": 1234,
        "Sha256": digest_of("lines"),
        "Documents": 480,
        "Errors": 2,
        "Characters": 190_000,
        "Units": 2100,
    }
    return {**said, **changes}


def test_a_container_of_a_version_that_counts_no_units_may_finish_its_parts(world: PartRequestsWorld) -> None:
    world.ask("POST", world.path(0) + "/parts", PLAN)
    said = {name: value for name, value in result().items() if name not in ("Characters", "Units")}
    assert world.ask("POST", world.path(0) + "/parts/0", said) == (200, {})
    _, document = world.ask("GET", world.path(0) + "/parts")
    assert document["Parts"][0]["Done"]["Units"] == 0


def test_each_container_gets_a_certificate_of_one_authority(world: PartRequestsWorld) -> None:
    answers = [world.ask("GET", world.path(member), member=member) for member in range(3)]
    assert [status for status, _ in answers] == [200, 200, 200]
    assert all(set(document) == {"Authority", "Certificate", "Key"} for _, document in answers)
    assert len({document["Authority"] for _, document in answers}) == 1
    assert len({document["Key"] for _, document in answers}) == 3
    assert answers[1] == world.ask("GET", world.path(1), member=1)


def test_no_reply_with_a_key_is_cached(world: PartRequestsWorld) -> None:
    reply = world.reply("GET", world.path(0), None, world.addresses[JOB, 1, 0])
    assert ("cache-control", "no-store") in reply.headers


def test_a_restarted_server_reports_that_the_certificates_are_gone(world: PartRequestsWorld) -> None:
    assert world.ask("GET", world.path(0))[0] == 200
    world.restart()
    status, document = world.ask("GET", world.path(1), member=1)
    assert (status, document["code"]) == (409, "NoCertificate")
    world.end(attempt=1)
    world.add_container(0, attempt=2)
    assert world.ask("GET", world.path(0, attempt=2), attempt=2)[0] == 200


def while_certificates_are_made(world: PartRequestsWorld, happens: Callable[[], None]) -> Authorities:
    """Restart with authorities during whose first certificates something happens."""
    looks = 0

    def clock() -> dt.datetime:
        nonlocal looks
        looks += 1
        # The first look at the clock is for the row that is written before, the second for the certificates.
        if looks == 2:
            happens()
        return system_clock()

    return world.restart(clock)


def test_an_attempt_that_ends_while_its_certificates_are_made_gets_none_and_leaves_none(
    world: PartRequestsWorld,
) -> None:
    authorities = while_certificates_are_made(world, world.end)
    assert world.ask("GET", world.path(0))[0] == 404
    assert authorities.identity(JOB, 1, 0, 3) is None


def test_a_container_that_is_dropped_while_certificates_are_made_takes_nothing_from_the_others(
    world: PartRequestsWorld,
) -> None:
    while_certificates_are_made(world, lambda: world.end(1))
    assert world.ask("GET", world.path(1), member=1)[0] == 404
    assert world.ask("GET", world.path(2), member=2)[0] == 200


def test_the_first_container_registers_finishes_and_reads_the_parts(world: PartRequestsWorld) -> None:
    status, document = world.ask("POST", world.path(0) + "/parts", PLAN)
    assert status == 200
    assert document == {"Parts": [{"Number": 0, "Fence": 1, "Done": None}, {"Number": 1, "Fence": 1, "Done": None}]}
    assert world.ask("POST", world.path(0) + "/parts/0", result()) == (200, {})
    assert world.ask("POST", world.path(0) + "/parts/0", result()) == (200, {}), "the answer may have been lost"
    status, document = world.ask("GET", world.path(0) + "/parts")
    assert status == 200
    done = {name: value for name, value in result().items() if name != "Fence"}
    assert document["Parts"] == [{"Number": 0, "Fence": 1, "Done": done}, {"Number": 1, "Fence": 1, "Done": None}]


def test_the_next_attempt_continues_and_the_previous_one_gets_nothing(world: PartRequestsWorld) -> None:
    world.ask("POST", world.path(0) + "/parts", PLAN)
    world.ask("POST", world.path(0) + "/parts/0", result())
    world.end(attempt=1)
    world.add_container(0, attempt=2)
    status, document = world.ask("POST", world.path(0, 2) + "/parts", PLAN, attempt=2)
    assert status == 200
    assert [(each["Fence"], each["Done"] is None) for each in document["Parts"]] == [(1, False), (2, True)]
    assert world.ask("POST", world.path(0) + "/parts/1", result(number=1))[0] == 404
    assert world.ask("POST", world.path(0, 2) + "/parts/1", result(2, 2, 1), attempt=2) == (200, {})


@pytest.mark.parametrize("fence", [0, 2])
def test_a_wrong_fence_is_refused(world: PartRequestsWorld, fence: int) -> None:
    world.ask("POST", world.path(0) + "/parts", PLAN)
    status, document = world.ask("POST", world.path(0) + "/parts/0", result(fence))
    assert (status, document["code"]) == (409, "Fenced")
    assert world.ask("POST", world.path(0) + "/parts/7", result(1))[0] == 409


def test_a_second_plan_in_one_attempt_is_refused(world: PartRequestsWorld) -> None:
    world.ask("POST", world.path(0) + "/parts", PLAN)
    other = {**PLAN, "Digest": digest_of("other")}
    status, document = world.ask("POST", world.path(0) + "/parts", other)
    assert (status, document["code"]) == (409, "Fenced")


# Strangers


def nothing(world: PartRequestsWorld) -> Reply:
    """Return the reply for an unknown path."""
    return world.reply("GET", "/v2/credentials/nothing", None, STRANGER)


def test_every_other_sender_gets_the_same_reply_as_for_an_unknown_path(world: PartRequestsWorld) -> None:
    own = world.addresses[JOB, 1, 0]
    neighbour = world.addresses[JOB, 1, 1]
    world.ask("POST", world.path(0) + "/parts", PLAN)
    requests = [
        ("GET", world.path(0), neighbour),
        ("GET", world.path(0), STRANGER),
        ("GET", world.path(0) + "/", own),
        ("GET", world.path(0)[:-1], own),
        ("GET", "/v2/cluster/", own),
        ("GET", "/v2/cluster/\u00e9", own),
        ("GET", world.path(0) + "/parts", neighbour),
        ("GET", world.path(1) + "/parts", neighbour),
        ("GET", world.path(0) + "/parts/0", own),
        ("POST", world.path(0), own),
        ("POST", world.path(0) + "/parts", neighbour),
        ("POST", world.path(1) + "/parts", neighbour),
        ("POST", world.path(0) + "/parts/0", STRANGER),
        ("POST", world.path(1) + "/parts/0", neighbour),
        ("POST", world.path(0) + "/parts/00", own),
        ("POST", world.path(0) + "/parts/-1", own),
        ("POST", world.path(0) + "/parts/1234567", own),
    ]
    for method, path, address in requests:
        assert world.reply(method, path, PLAN if method == "POST" else None, address) == nothing(world), (method, path)


def test_a_container_that_is_no_longer_wanted_gets_no_answer(world: PartRequestsWorld) -> None:
    world.ask("POST", world.path(0) + "/parts", PLAN)
    world.end()
    own = world.addresses[JOB, 1, 0]
    for method, path in (("GET", ""), ("GET", "/parts"), ("POST", "/parts"), ("POST", "/parts/0")):
        assert world.reply(method, world.path(0) + path, PLAN, own) == nothing(world)


def test_an_address_of_another_vpc_gets_no_answer(world: PartRequestsWorld) -> None:
    own = world.addresses[JOB, 1, 0]
    assert world.credentials.handle("GET", world.path(0), "vpc-other", own) == nothing(world)


def test_a_refusal_is_logged_without_the_path(world: PartRequestsWorld, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        world.ask("GET", world.path(0), address=STRANGER)
        world.ask("GET", world.path(0))
    assert f"{STRANGER} in {VPC}" in caplog.text
    assert world.path(0) not in caplog.text
    assert "PRIVATE KEY" not in caplog.text


@pytest.mark.parametrize("method", ["PUT", "HEAD", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed_to_anybody(world: PartRequestsWorld, method: str) -> None:
    own = world.reply(method, world.path(0), None, world.addresses[JOB, 1, 0])
    assert own.status == 405
    assert ("allow", "GET, POST") in own.headers
    assert own == world.reply(method, world.path(0), None, STRANGER)


def test_only_bodies_of_first_containers_are_read(world: PartRequestsWorld) -> None:
    own, neighbour = world.addresses[JOB, 1, 0], world.addresses[JOB, 1, 1]
    expects = world.credentials.expects
    assert expects("POST", world.path(0) + "/parts", VPC, own)
    assert expects("POST", world.path(0) + "/parts/3", VPC, own)
    assert not expects("GET", world.path(0) + "/parts", VPC, own)
    assert not expects("POST", world.path(0), VPC, own)
    assert not expects("POST", world.path(1) + "/parts", VPC, neighbour)
    assert not expects("POST", world.path(0) + "/parts", VPC, neighbour)
    assert not expects("POST", "/v2/credentials/x", VPC, own)


# What cannot be read

DIGEST = digest_of("plan")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"[]",
        b"\xff",
        {},
        {"Digest": DIGEST},
        {"Digest": DIGEST, "Parts": [], "More": 1},
        {"Digest": DIGEST.upper(), "Parts": []},
        {"Digest": DIGEST + "0", "Parts": []},
        {"Digest": 7, "Parts": []},
        {"Digest": DIGEST, "Parts": {}},
        {"Digest": DIGEST, "Parts": [[1]]},
        {"Digest": DIGEST, "Parts": [[1, 2, 3]]},
        {"Digest": DIGEST, "Parts": [[None, 1]]},
        {"Digest": DIGEST, "Parts": [[-1, 1]]},
        {"Digest": DIGEST, "Parts": [[1, -1]]},
        {"Digest": DIGEST, "Parts": [[1.0, 1]]},
        {"Digest": DIGEST, "Parts": [[True, 1]]},
        {"Digest": DIGEST, "Parts": [[2**53, 1]]},
        {"Digest": DIGEST, "Parts": [[1, 1]] * 100_001},
        b'{"Digest": "' + DIGEST.encode() + b'", "Parts": [[' + b"9" * 5000 + b", 1]]}",
        b" " * 4_000_001,
    ],
)
def test_a_malformed_plan_changes_nothing(world: PartRequestsWorld, body: Any) -> None:
    status, document = world.ask("POST", world.path(0) + "/parts", body)
    assert (status, document["code"]) == (400, "Malformed")
    with world.database.reading() as session:
        assert parts.states(session, JOB) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Fence": "1"},
        {"Fence": -1},
        {"Key": ""},
        {"Key": 1},
        {"Key": "\ud800"},
        {"Key": "elsewhere/0"},
        {"Key": f"{FOLDER}/output/output.tar.gz"},
        {"Key": f"{FOLDER}/output/parts/1/"},
        {"Key": f"{FOLDER}/output/parts/2/0"},
        {"Key": f"{FOLDER}/output/parts/1/" + "k" * 1024},
        {"Size": None},
        {"Sha256": "x" * 64},
        {"Documents": 1.5},
        {"Errors": False},
        {"More": 1},
    ],
)
def test_an_invalid_result_is_refused(world: PartRequestsWorld, changes: dict[str, Any]) -> None:
    world.ask("POST", world.path(0) + "/parts", PLAN)
    status, document = world.ask("POST", world.path(0) + "/parts/0", result(**changes))
    assert (status, document["code"]) == (400, "Malformed")
    assert world.ask("GET", world.path(0) + "/parts")[1]["Parts"][0]["Done"] is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(body=st.binary(max_size=40) | st.fixed_dictionaries({"Digest": JSON, "Parts": JSON}) | JSON)
def test_whatever_is_sent_is_refused_as_malformed(lasting: PartRequestsWorld, body: Any) -> None:
    for rest in ("/parts", "/parts/0"):
        assert lasting.ask("POST", lasting.path(0) + rest, body)[0] == 400


def test_jobs_in_one_vpc_have_parts_of_their_own(world: PartRequestsWorld) -> None:
    add_job(world.database, "other")
    other = world.add_container(0, job_id="other")
    path = world.path(0, job_id="other")
    assert world.ask("POST", world.path(0) + "/parts", PLAN)[0] == 200
    assert world.ask("GET", path + "/parts", address=other) == (200, {"Parts": []})
    assert world.ask("POST", path + "/parts/0", result(Key="out/x"), address=other)[0] == 400


@pytest.mark.costs(2, reason="a plan of a hundred thousand parts is stored and returned")
def test_the_largest_plan_fits_into_one_request(world: PartRequestsWorld) -> None:
    plan = {"Digest": DIGEST, "Parts": [[4_999_999_999, 999_999]] * 100_000}
    assert len(json.dumps(plan, separators=(",", ":"))) < 4_000_000
    status, document = world.ask("POST", world.path(0) + "/parts", plan)
    assert status == 200
    assert len(document["Parts"]) == 100_000
