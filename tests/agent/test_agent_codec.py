"""Documents survive encoding as JSON, and nothing else is accepted."""

from __future__ import annotations

import dataclasses
import json
import os
import types
import typing
from pathlib import Path
from typing import Any, Literal, Union, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.agent.frames import FromAgent, FromServer
from reading_room.agent.spec import Capacity, HostReport, HostSpec
from reading_room.analysis.job_file import ClusterPlace, Done, Failed, Progress, Ready
from reading_room.codec import DocumentError, decode, encode, from_members, read_file, write_file
from reading_room.containers.spec import ContainerState, Limits
from reading_room.dataplane.spec import Interface, Placement, Problem
from tests.worlds.agent import container, document, interface, job, vpc
from tests.worlds.work import calls


def test_a_spec_comes_back_as_an_equal_value() -> None:
    spec = FromServer(document())
    assert decode(FromServer, encode(spec)) == spec
    place = ClusterPlace(1, 2, "10.0.0.10", "10.0.0.11", "/v2/cluster/" + "x" * 40)
    spec = FromServer(document(containers=(container(job=job(cluster=place, part_bytes=7)),)))
    assert decode(FromServer, encode(spec)) == spec


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
def test_a_malformed_document_is_refused_with_the_place(change: Any, place: str) -> None:
    with pytest.raises(DocumentError, match=place.replace(".", r"\.")):
        decode(HostSpec, _changed(change))


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"null", b"{", b'{"host": NaN}', b'{"host":"a","host":"b"}', b"\xff\xfe", b"[" * 100_000],
)
def test_bytes_that_are_not_a_document_are_refused(text: bytes) -> None:
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


HALF = "\ud800"
"""Half of a surrogate pair: JSON can name it, UTF-8 cannot write it."""
TEXTS = st.sampled_from([*("", "a", "é", "\x00\n", "\U0001f600", "vpc-0a") * 10, HALF])
NUMBERS = st.sampled_from([*(0, 1, -1, (1 << 63) - 1, -(1 << 63)) * 10, 1 << 63, -(1 << 63) - 1, 10**400, True])
"""Most of them are plausible: a large document is refused because of one that is not."""


def members(annotation: Any) -> st.SearchStrategy[Any]:
    """Return what a stranger may send where a value of this annotation is expected, most of it of the right form."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if dataclasses.is_dataclass(annotation):
        return _members_of(annotation)
    if annotation is float:
        return st.sampled_from((0, 0.5, 1e300, 5e-324)) | st.floats()
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(members(arguments[0]), max_size=2)
    if origin in (Union, types.UnionType):
        many = sum(map(dataclasses.is_dataclass, arguments)) > 1
        return st.one_of(*(_members_of(each, tagged=many) for each in arguments))
    return {str: TEXTS, bool: st.booleans(), int: NUMBERS, type(None): st.none()}[annotation]


def _members_of(kind: Any, *, tagged: bool = False) -> st.SearchStrategy[Any]:
    if not dataclasses.is_dataclass(kind):
        return members(kind)
    hints = typing.get_type_hints(kind)
    parts = {each.name: members(hints[each.name]) for each in dataclasses.fields(kind)}
    return st.fixed_dictionaries(parts | ({"type": st.just(cast(type[Any], kind).__name__)} if tagged else {}))


@pytest.mark.parametrize("kind", [FromServer, FromAgent, ContainerState, Interface, Placement, Problem])
@given(data=st.data())
def test_whatever_was_read_can_be_written_and_read_again(kind: Any, data: st.DataObject) -> None:
    text = json.dumps(data.draw(members(kind))).encode()
    try:
        value = decode(kind, text)
    except DocumentError as error:
        str(error).encode()
        return
    assert decode(kind, encode(value)) == value


@pytest.mark.parametrize(
    "change",
    [lambda d: d.update(host=HALF), lambda d: d.update({HALF: 1}), lambda d: d.update(generation=HALF)],
)
def test_half_of_a_surrogate_pair_is_refused_in_words_that_can_be_sent(change: Any) -> None:
    with pytest.raises(DocumentError) as refusal:
        decode(HostSpec, _changed(change))
    report = FromAgent(HostReport("local", 3, refused=str(refusal.value)))
    assert decode(FromAgent, encode(report)) == report


def test_a_file_name_that_is_no_text_does_not_keep_a_report_from_being_written() -> None:
    name = os.fsdecode(b"odd \xff")
    report = FromAgent(HostReport("local", 3, problems=(Problem("x", f"no file {name}"),)))
    read = decode(FromAgent, encode(report)).body
    assert isinstance(read, HostReport)
    assert read.problems == (Problem("x", "no file odd ?"),)


def test_a_document_is_kept_for_its_owner_alone_and_read_through_no_link(tmp_path: Path) -> None:
    kept, link = tmp_path / "limits.json", tmp_path / "link.json"
    write_file(kept, Limits(1))
    write_file(kept, Limits(2))
    assert read_file(Limits, kept) == Limits(2)
    assert kept.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [kept]
    link.symlink_to(kept)
    with pytest.raises(DocumentError, match="link"):
        read_file(Limits, link)


def test_an_interface_more_is_a_few_calls_more_to_write_and_to_read() -> None:
    def work(interfaces: int) -> tuple[int, int]:
        spec = FromServer(document(vpcs=(vpc(tuple(interface(number) for number in range(interfaces))),)))
        text = encode(spec)
        return calls(lambda: encode(spec)), calls(lambda: decode(FromServer, text))

    for less, more in zip(work(100), work(1000), strict=True):
        assert (more - less) / 900 < 30
