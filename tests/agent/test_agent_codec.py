"""Documents survive the way through JSON, and nothing else gets in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.agent.codec import decode, encode, from_members
from reading_room.agent.errors import DocumentError
from reading_room.agent.frames import FromAgent, FromServer
from reading_room.agent.spec import Capacity, HostReport, HostSpec
from reading_room.analysis.job_file import ClusterPlace, Done, Failed, Progress, Ready
from reading_room.containers.spec import ContainerState, Limits
from reading_room.dataplane.spec import Problem
from tests.worlds.agent import container, document, interface, job, vpc
from tests.worlds.work import calls


def test_a_wish_comes_back_as_an_equal_value() -> None:
    wish = FromServer(document())
    assert decode(FromServer, encode(wish)) == wish
    place = ClusterPlace(1, 2, "10.0.0.10", "10.0.0.11", "/v2/cluster/" + "x" * 40)
    wish = FromServer(document(containers=(container(job=job(cluster=place, part_bytes=7)),)))
    assert decode(FromServer, encode(wish)) == wish


def test_a_report_with_every_kind_of_message_comes_back_as_an_equal_value() -> None:
    messages = (
        Ready(),
        Progress(3, 20),
        Done(3, 1, 10, "ab", True),
        Failed("NO_READ_ACCESS_TO_INPUT", "not ‘allowed’"),
    )
    state = ContainerState("c", "exited", 1, messages, "a\nb", True, ("memory",))
    capacity = Capacity(2, 8_000_000_000, 1 << 33)
    problems = (Problem("x", "y"),)
    report = FromAgent(HostReport("local", 3, ("vpc-0a",), ("eni-0a",), (state,), problems=problems, capacity=capacity))
    assert decode(FromAgent, encode(report)) == report


@given(st.builds(Limits, st.integers(0, 1 << 62), st.integers(0, 99), st.floats(0, 9), st.integers(0, 9)))
def test_numbers_come_back_exactly(limits: Limits) -> None:
    assert decode(Limits, encode(limits)) == limits


def _changed(change: Any) -> bytes:
    members = json.loads(encode(document()))
    change(members)
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda d: d.pop("host"), "HostSpec"),
        (lambda d: d.update(extra=1), "extra"),
        (lambda d: d.update(generation="7"), "HostSpec.generation"),
        (lambda d: d.update(generation=True), "HostSpec.generation"),
        (lambda d: d.update(generation=7.0), "HostSpec.generation"),
        (lambda d: d.update(generation=1 << 70), "HostSpec.generation"),
        (lambda d: d.update(containers={}), "HostSpec.containers"),
        (lambda d: d["containers"][0].update(engine="/bin/sh"), "engine"),
        (lambda d: d["containers"][0].update(command=["/bin/sh"]), "command"),
        (lambda d: d["containers"][0].update(environment={"LD_PRELOAD": "/tmp/x.so"}), "environment"),
        (lambda d: d["containers"][0]["limits"].update(cpus="NaN"), "cpus"),
        (lambda d: d["network"]["vpcs"][0].update(rules="accept"), "rules"),
        (lambda d: d["network"]["vpcs"][0]["groups"][0]["egress"][0]["peer"].update(type="Popen"), "peer"),
        (lambda d: d["network"]["vpcs"][0]["groups"][0]["egress"][0]["peer"].pop("type"), "peer"),
    ],
)
def test_a_document_of_another_form_is_refused_with_the_place(change: Any, place: str) -> None:
    with pytest.raises(DocumentError, match=place.replace(".", r"\.")):
        decode(HostSpec, _changed(change))


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"null", b"{", b'{"host": NaN}', b'{"host":"a","host":"b"}', b"\xff\xfe", b"[" * 100_000],
)
def test_bytes_that_are_no_document_are_refused(text: bytes) -> None:
    with pytest.raises(DocumentError):
        decode(HostSpec, text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_no_json_value_raises_anything_but_a_document_error(value: Any) -> None:
    with pytest.raises(DocumentError):
        from_members(HostSpec, value)


def test_an_interface_more_is_a_few_calls_more_to_write_and_to_read() -> None:
    def work(interfaces: int) -> tuple[int, int]:
        wish = FromServer(document(vpcs=(vpc(tuple(interface(number) for number in range(interfaces))),)))
        text = encode(wish)
        return calls(lambda: encode(wish)), calls(lambda: decode(FromServer, text))

    for less, more in zip(work(100), work(1000), strict=True):
        assert (more - less) / 900 < 30
