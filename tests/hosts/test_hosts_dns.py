"""DNS messages of a VPC: questions, answers, and rate limits."""

from __future__ import annotations

import asyncio
import struct

import pytest
from dnslib import QTYPE, RCODE, DNSRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from reading_room.hosts.front import dns_messages
from reading_room.hosts.front.channel import Unavailable
from reading_room.hosts.front.dns import OF_ONE_ADDRESS, RateLimiter, Resolver
from reading_room.hosts.front.dns_messages import POINTER, Question
from reading_room.hosts.front.records import Answered, NameRecord


def question_in(packet: bytes) -> Question:
    question = dns_messages.read(packet)
    assert isinstance(question, Question)
    return question


def refusal(packet: bytes) -> int:
    """Return the code that a packet is refused with."""
    answer = dns_messages.read(packet)
    assert isinstance(answer, bytes)
    assert answer[:2] == packet[:2]
    return int(DNSRecord.parse(answer).header.rcode)


def bomb() -> bytes:
    """A question, followed by 63 KB of records whose names are pointers to pointers."""
    question: bytes = DNSRecord.question("s3.amazonaws.com").pack()
    records = b"".join(struct.pack("!HHHIH", 0xC000 | min(0x3FFF, 12 + 12 * n), 1, 1, 0, 0) for n in range(5_000))
    return struct.pack("!HHHHHH", 7, 0x0100, 1, 0xFFFF, 0xFFFF, 0xFFFF) + question[12:] + records


def test_the_question_of_a_packet_is_its_name_in_lower_case_and_its_type() -> None:
    question = question_in(DNSRecord.question("Bucket.S3.amazonaws.com", "AAAA").pack())
    assert (question.name, question.kind) == ("bucket.s3.amazonaws.com", QTYPE.AAAA)


def test_an_answer_repeats_the_question_and_contains_the_records() -> None:
    packet = DNSRecord.question("S3.amazonaws.com").pack()
    reply = DNSRecord.parse(
        dns_messages.answer(question_in(packet), [NameRecord(1, 5, "10.0.0.7"), NameRecord(1, 5, "10.0.0.8")])
    )
    assert str(reply.q.qname) == "S3.amazonaws.com."
    assert [(str(each.rname), str(each.rdata), each.ttl) for each in reply.rr] == [
        ("S3.amazonaws.com.", "10.0.0.7", 5),
        ("S3.amazonaws.com.", "10.0.0.8", 5),
    ]
    assert (reply.header.id, reply.header.rd, reply.header.ra) == (DNSRecord.parse(packet).header.id, 1, 1)


def test_a_pointer_is_answered_with_a_name() -> None:
    packet = DNSRecord.question("7.0.0.10.in-addr.arpa", "PTR").pack()
    reply = DNSRecord.parse(
        dns_messages.answer(question_in(packet), [NameRecord(POINTER, 60, "ip-10-0-0-7.ec2.internal")])
    )
    assert str(reply.rr[0].rdata) == "ip-10-0-0-7.ec2.internal."


@pytest.mark.parametrize(("records", "code"), [(None, RCODE.NXDOMAIN), ((), RCODE.NOERROR)])
def test_a_name_that_does_not_exist_differs_from_one_without_such_records(
    records: tuple[NameRecord, ...] | None, code: int
) -> None:
    reply = DNSRecord.parse(dns_messages.answer(question_in(DNSRecord.question("x.example").pack()), records))
    assert reply.header.rcode == code
    assert not reply.rr


def test_answers_are_ignored_and_unreadable_packets_are_format_errors() -> None:
    query = DNSRecord.question("s3.amazonaws.com").pack()
    assert dns_messages.read(dns_messages.answer(question_in(query), ())) == b""
    assert dns_messages.read(query[:11]) == b""
    assert refusal(query[:-3]) == RCODE.FORMERR
    assert refusal(struct.pack("!HHHHHH", 7, 5 << 11, 0, 0, 0, 0)) == RCODE.NOTIMP


@pytest.mark.parametrize("questions", [0, 2, 0xFFFF])
def test_a_packet_must_have_exactly_one_question(questions: int) -> None:
    query = DNSRecord.question("s3.amazonaws.com").pack()
    assert refusal(query[:4] + struct.pack("!H", questions) + query[6:] * 2) == RCODE.FORMERR


def test_a_question_whose_name_is_compressed_is_a_format_error() -> None:
    head = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0)
    assert refusal(head + b"\x01a\xc0\x0c\x00\x01\x00\x01") == RCODE.FORMERR


@pytest.mark.parametrize(("last", "whole"), [(61, True), (62, False)])
def test_a_name_has_at_most_255_bytes(last: int, whole: bool) -> None:
    labels = [63, 63, 63, last]
    name = b"".join(bytes((size,)) + b"a" * size for size in labels) + b"\0"
    assert len(name) == 255 + (not whole)
    found = dns_messages.read(struct.pack("!HHHHHH", 7, 0, 1, 0, 0, 0) + name + b"\x00\x01\x00\x01")
    assert isinstance(found, Question) == whole


def test_nothing_after_the_question_of_a_packet_is_read() -> None:
    assert len(bomb()) > 60_000
    assert question_in(bomb()) == question_in(bomb()[: 12 + 22])


@given(st.binary(max_size=30), st.binary(max_size=600))
def test_what_follows_the_longest_question_changes_nothing(begin: bytes, rest: bytes) -> None:
    packet = struct.pack("!HHHHHH", 7, 0, 1, 0, 0, 0) + begin + rest
    assert dns_messages.read(packet) == dns_messages.read(packet[: 12 + 255 + 64 + 4])


def test_a_name_with_an_impossible_label_matches_no_other_name() -> None:
    head = struct.pack("!HHHHHH", 7, 0, 1, 0, 0, 0)
    one_label = head + b"\x10s3.amazonaws.com\x00\x00\x01\x00\x01"
    assert question_in(one_label).name == ""
    assert question_in(head + b"\x03s3\xff\x00\x00\x01\x00\x01").name == ""


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_no_packet_breaks_the_parser_or_gets_a_long_refusal(packet: bytes) -> None:
    found = dns_messages.read(packet)
    answer = found if isinstance(found, bytes) else dns_messages.answer(found, None)
    assert len(answer) <= max(12, len(packet))
    assert not answer or answer[:2] == packet[:2]


def test_each_source_has_its_own_rate_and_recovers_with_time() -> None:
    limiter = RateLimiter(per_second=10, sources=2)
    assert [limiter.allows("a", 0.0) for _ in range(11)] == [True] * 10 + [False]
    assert limiter.allows("b", 0.0)
    assert limiter.allows("a", 0.1)
    assert not limiter.allows("a", 0.1)
    assert [limiter.allows("a", 100.0) for _ in range(11)].count(True) == 10


PACKET = DNSRecord.question("s3.amazonaws.com").pack()


def test_a_sender_beyond_its_rate_is_not_answered_and_others_are() -> None:
    async def known(name: str, kind: int) -> Answered:
        return Answered(1, (NameRecord(1, 5, "10.0.0.7"),))

    async def scenario() -> tuple[list[bytes], bytes]:
        resolver = Resolver(known)
        return [await resolver.answer(PACKET, "10.0.0.1") for _ in range(3_000)], await resolver.answer(
            PACKET, "10.0.0.2"
        )

    answers, other = asyncio.run(scenario())
    assert answers[0]
    assert not answers[-1]
    assert other


def test_a_sender_has_a_limited_number_of_waiting_queries_and_others_are_answered() -> None:
    async def scenario() -> tuple[bytes, bytes]:
        go = asyncio.Event()

        async def slow(name: str, kind: int) -> Answered:
            await go.wait()
            return Answered(1, ())

        resolver = Resolver(slow)
        waiting = [asyncio.create_task(resolver.answer(PACKET, "10.0.0.1")) for _ in range(OF_ONE_ADDRESS)]
        await asyncio.sleep(0)
        one_more = await resolver.answer(PACKET, "10.0.0.1")
        other = asyncio.create_task(resolver.answer(PACKET, "10.0.0.2"))
        go.set()
        assert all(await asyncio.gather(*waiting))
        return one_more, await other

    one_more, other = asyncio.run(scenario())
    assert not one_more
    assert other


def test_without_a_server_a_question_has_no_answer() -> None:
    async def nobody(name: str, kind: int) -> Answered:
        raise Unavailable

    assert asyncio.run(Resolver(nobody).answer(PACKET, "10.0.0.1")) == b""
