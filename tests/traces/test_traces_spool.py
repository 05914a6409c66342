"""Spans on their way to the collector: bounded files, the collector's answers, and what the sender refuses."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from reading_room.cli.folder import StartError
from reading_room.cli.traces import check_packages
from reading_room.codec import DocumentError, encode
from reading_room.setting_values import SettingError
from reading_room.settings import Settings
from reading_room.trace_context import is_sampled, read_traceparent, request_of, span_of, trace_of, traceparent
from reading_room.traces.sender import Sender
from reading_room.traces.settings import remove_settings
from reading_room.traces.span import Span, check
from reading_room.traces.spool import Sent, Spool, batches
from tests.worlds.collector import got, text_of, waiting
from tests.worlds.hook import hook

REQUEST_ID = "0a1b2c3d-4e5f-4a6b-8c7d-0123456789ab"
TRACE = "0a1b2c3d4e5f4a6b8c7d0123456789ab"
CALL = Span(
    TRACE,
    span_of(TRACE, "call"),
    None,
    "call",
    1_000_000_000,
    1_500_000_000,
    request_id=REQUEST_ID,
    account="111122223333",
    service="comprehend",
    operation="StartEntitiesDetectionJob",
    status=200,
    job_id="0" * 32,
)
JOB = Span(TRACE, span_of(TRACE, "job"), CALL.span, "job", 2, 3, code="INTERNAL_ERROR", outcome="failed", attempt=2)


def test_the_ids_of_a_trace_follow_from_the_request() -> None:
    assert trace_of(REQUEST_ID) == TRACE
    assert request_of(TRACE) == REQUEST_ID
    assert read_traceparent(traceparent(TRACE, "job")) == (TRACE, span_of(TRACE, "job"))
    for text in ("", traceparent(TRACE, "job").upper(), traceparent(TRACE, "job") + "\n", f"00-{TRACE}-{'0' * 15}-01"):
        assert read_traceparent(text) is None
    assert [is_sampled(TRACE, share) for share in (0.0, 0.5, 1.0)] == [False, True, True]
    assert is_sampled("f" * 32, 1.0)


def test_spans_wait_in_bounded_files_of_their_owner(tmp_path: Path) -> None:
    line = len(encode(CALL)) + 1
    spool = Spool(tmp_path / "traces", most=line * 5)
    assert spool.write([CALL] * 3) == 3
    assert Spool(tmp_path / "traces", most=line * 5).write([JOB] * 9) < 9
    assert waiting(tmp_path / "traces")[:4] == [CALL, CALL, CALL, JOB]
    assert sum(path.stat().st_size for path in batches(tmp_path / "traces")) <= line * 5
    assert {path.stat().st_mode & 0o777 for path in batches(tmp_path / "traces")} == {0o600}


def test_the_collector_gets_spans_with_their_own_ids_and_times(tmp_path: Path) -> None:
    Spool(tmp_path).write([CALL, JOB])
    with hook() as collector:
        sender = Sender(tmp_path, f"http://127.0.0.1:{collector.server_port}")
        collector.status = 200
        sender.turn()
        call, job = got(collector)
        assert collector.paths == ["/v1/traces"]
    sender.close()
    assert (call.trace, call.span, call.parent) == (TRACE, CALL.span, "")
    assert (call.name, call.began, call.ended, call.failed) == (
        "comprehend.StartEntitiesDetectionJob", 1_000_000_000, 1_500_000_000, False,
    )  # fmt: skip
    assert call.attributes == {
        "rpc.system": "aws-api",
        "rpc.service": "comprehend",
        "rpc.method": "StartEntitiesDetectionJob",
        "aws.request_id": REQUEST_ID,
        "http.response.status_code": 200,
        "cloud.account.id": "111122223333",
        "reading_room.job.id": "0" * 32,
    }
    assert (job.trace, job.parent, job.name, job.failed) == (TRACE, CALL.span, "job", True)
    assert Spool(tmp_path).sent() == Sent(2, 0)
    assert waiting(tmp_path) == []


def test_spans_wait_for_a_collector_that_is_away_and_are_dropped_if_it_refuses_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with hook() as collector:
        port = collector.server_port
    sender, spool = Sender(tmp_path, f"http://127.0.0.1:{port}", seconds=0.2), Spool(tmp_path)
    spool.write([CALL])
    sender.turn()
    sender.turn()
    assert waiting(tmp_path) == [CALL]
    with hook(port) as collector:
        for status, left in ((503, 1), (429, 1), (200, 0)):
            collector.status = status
            sender.turn()
            assert len(waiting(tmp_path)) == left
        assert len(got(collector)) == 3
        for status in (400, 302):
            collector.status = status
            spool.write([CALL, JOB])
            sender.turn()
            assert waiting(tmp_path) == []
    sender.close()
    assert spool.sent() == Sent(1, 4)
    said = [record.getMessage() for record in caplog.records if record.name == "reading_room.traces.sender"]
    name = f"http://127.0.0.1:{port}"
    assert said == [
        f"spans of traces cannot be sent to {name} and wait: it does not answer",
        f"spans of traces are sent to {name}",
        f"spans of traces cannot be sent to {name} and are dropped: its answer is 400",
    ]


def test_the_sender_refuses_what_is_not_a_span(tmp_path: Path) -> None:
    """``serve`` may have been taken over: it can send ids and words from lists, but no text."""
    odd = (
        replace(CALL, operation="Marie moved to Paris"),
        replace(CALL, service="s3/../in/a.txt"),
        replace(CALL, code="s3://papers/a"),
        replace(CALL, request_id=REQUEST_ID + "0"),
        replace(CALL, trace="0" * 32),
        replace(CALL, ended=0),
        replace(CALL, status=-1),
    )
    for each in odd:
        with pytest.raises(DocumentError):
            check(each)
    (tmp_path / "00000000000000000001.spans").write_bytes(
        b"\n".join([*map(encode, odd), b'{"text": "Warsaw"}', b"\xff", b"x" * 5_000, encode(JOB)])
    )
    with hook() as collector:
        sender = Sender(tmp_path, f"http://127.0.0.1:{collector.server_port}")
        sender.turn()
        assert [span.name for span in got(collector)] == ["job"]
        assert b"Warsaw" not in text_of(collector)
    sender.close()
    assert Spool(tmp_path).sent() == Sent(1, len(odd) + 3)


def test_no_variable_of_opentelemetry_or_of_a_proxy_has_an_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=secret",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://192.0.2.1/",
        "OTEL_RESOURCE_ATTRIBUTES": "user=somebody",
        "OTEL_SDK_DISABLED": "true",
        "http_proxy": "http://192.0.2.1:3128",
    }.items():
        monkeypatch.setenv(name, value)
    remove_settings(os.environ)
    Spool(tmp_path).write([CALL])
    with hook() as collector:
        sender = Sender(tmp_path, f"http://127.0.0.1:{collector.server_port}")
        sender.turn()
        assert len(got(collector)) == 1
        assert "authorization" not in {name.lower() for head in collector.heads for name in head}
        assert b"somebody" not in text_of(collector)
    sender.close()


def test_a_start_with_traces_but_without_their_packages_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(traces="http://127.0.0.1:4318")
    check_packages(settings)
    for name in ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http"):
        monkeypatch.setitem(sys.modules, name, None)
    check_packages(Settings())
    with pytest.raises(
        StartError, match=r"READING_ROOM_TRACES=http://127.0.0.1:4318 needs opentelemetry.*reading-room\[traces\]"
    ):
        check_packages(settings)


@pytest.mark.parametrize(
    "value", ["127.0.0.1:4318", "ftp://a", "http://user:word@a", "http://a?b", "http://", "http://a b"]
)
def test_an_address_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(SettingError, match="READING_ROOM_TRACES="):
        Settings.from_environment({"READING_ROOM_TRACES": value})
    for good in ("http://collector:4318", "https://[::1]:4318/prefix", ""):
        assert Settings.from_environment({"READING_ROOM_TRACES": good}).traces == good
