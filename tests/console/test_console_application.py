"""The console's origin: what it serves under which names, and the security headers of every answer."""

from __future__ import annotations

import gzip
import http.client
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.console.application import ConsoleApplication
from tests.worlds.aws_sockets import exchange, serving, split
from tests.worlds.console import API, FACTS, FILES, HOST, SCRIPT, ask, build, console

SCRIPT_PATH = "/assets/index-Bx3k9.js"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' http://127.0.0.1:4566; worker-src 'self' blob:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


@pytest.fixture
def app(tmp_path: Path) -> ConsoleApplication:
    """A built console."""
    return console(build(tmp_path / "static"))


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> ConsoleApplication:
    """A built console for all examples of a test."""
    return console(build(tmp_path_factory.mktemp("static")))


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", 200),
        (SCRIPT_PATH, "GET", 200),
        ("/config.json", "HEAD", 200),
        ("/none.js", "GET", 404),
        ("/", "POST", 405),
    ],
)
def test_every_answer_says_what_a_page_may_do(app: ConsoleApplication, path: str, method: str, status: int) -> None:
    answer = ask(app, path, method)
    assert answer.status == status
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["x-frame-options"] == "DENY"
    features = answer.headers["permissions-policy"].split(", ")
    assert {"camera=()", "microphone=()", "geolocation=()", "usb=()", "payment=()"} <= set(features)
    assert all(feature.endswith("=()") for feature in features)
    assert len({name for name, _ in answer.pairs}) == len(answer.pairs), "no header is said twice"
    assert not {"set-cookie", "access-control-allow-origin"} & set(answer.headers)


def test_pages_call_the_apis_by_the_name_that_opened_the_console(app: ConsoleApplication) -> None:
    for host, api in (
        (HOST, API),
        ("localhost:4567", "http://localhost:4566"),
        ("LocalHost:4567", "http://localhost:4566"),
        # No content security policy can name an IPv6 address.
        ("[::1]:4567", "http://localhost:4566"),
    ):
        answer = ask(app, "/config.json", host=host)
        assert json.loads(answer.body) == {"apiUrl": api, **FACTS}
        assert f"connect-src 'self' {api};" in ask(app, "/", host=host).headers["content-security-policy"]


@pytest.mark.parametrize(
    "host",
    [
        *("", "127.0.0.1", "localhost", "127.0.0.1:4566", "127.0.0.1:45670", "rebinding.example.com:4567"),
        *("localhost.example.com:4567", "127.0.0.1:4567.example.com", "user@127.0.0.1:4567", " 127.0.0.1:4567"),
        *("s3.localhost:4567", "bucket.localhost:4567", "127.0.0.1:4567,localhost:4567", "2130706433:4567"),
    ],
)
def test_a_request_for_another_name_gets_no_page(app: ConsoleApplication, host: str) -> None:
    for path in ("/", "/config.json", SCRIPT_PATH):
        answer = ask(app, path, host=host)
        assert answer.status == 421
        assert b"Its names are localhost:4567, 127.0.0.1:4567, [::1]:4567" in answer.body
        assert b"4566" not in answer.body
        assert "connect-src 'none'" in answer.headers["content-security-policy"]
    assert ask(app, "/", "HEAD", host=host).body == b""


def test_a_second_or_missing_host_is_no_name_either(app: ConsoleApplication) -> None:
    assert ask(app, "/", "GET", ("host", "rebinding.example.com")).status == 421
    with serving(app) as port:
        assert b" 421 " in exchange(port, b"GET / HTTP/1.0\r\n\r\n").split(b"\r\n")[0]


def test_files_have_their_types_and_cache_times(app: ConsoleApplication) -> None:
    for path, kind, holds in (
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/favicon.svg", "image/svg+xml", "no-cache"),
        (SCRIPT_PATH, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/assets/index-C0ffee.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/assets/sans-1a2b.woff2", "font/woff2", "public, max-age=31536000, immutable"),
        ("/config.json", "application/json", "no-cache"),
    ):
        answer = ask(app, path)
        assert (answer.status, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["cache-control"] == holds
        assert answer.headers["content-length"] == str(len(answer.body))
        if path in ("/", "/favicon.svg") or path.startswith("/assets/"):
            assert answer.body == FILES[path[1:] or "index.html"]


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/jobs", "/jobs/0123/results", "/sign-in", "/vpc/", "/index.html", "/assets"),
        # Buckets and users may have names with dots.
        *("/s3/my.bucket", "/access/users/ann.smith", "/access/users/a%2fb.c", "/s3/page.html"),
    ],
)
def test_a_path_of_the_pages_gets_the_index(app: ConsoleApplication, path: str) -> None:
    answer = ask(app, path)
    assert (answer.status, answer.body) == (200, FILES["index.html"])


@pytest.mark.parametrize(
    "path",
    [
        "/none.js",
        "/assets/none.css",
        "/assets/index.html",
        "/favicon.ico",
        "/.env",
        "//x.js",
        "/.git/config",
        "/s3/../x",
    ],
)
def test_a_file_that_is_not_there_is_not_found(app: ConsoleApplication, path: str) -> None:
    assert ask(app, path).status == 404


def test_no_path_leads_out_of_the_table(tmp_path: Path) -> None:
    folder = build(tmp_path / "static")
    (tmp_path / "secret.txt").write_text("the secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / ".hidden.txt").write_text("the secret")
    (folder / ".git").mkdir()
    (folder / ".git" / "config.txt").write_text("the secret")
    attempts = (
        *("/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt", "/..\\secret.txt"),
        *("/assets/%2e%2e%2f%2e%2e%2fsecret.txt", "/%252e%252e/secret.txt", "//secret.txt", "/link.txt"),
        *("/.hidden.txt", "/.git/config.txt", f"/{tmp_path}/secret.txt", "/secret.txt%00.js", "/..;/secret.txt"),
        *("/%c0%ae%c0%ae/secret.txt", "/../../../../../../etc/passwd", "/assets/..", "/..%5csecret", "/%00"),
    )
    with serving(console(folder)) as port:
        for path in attempts:
            received = exchange(port, f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            ((status, body),) = split(received)
            assert status == 404 or body == FILES["index.html"], path
            assert b"secret" not in body
        for target, host in (("http://rebinding.example.com/", HOST), ("/", "rebinding.example.com")):
            named = f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
            assert split(exchange(port, named))[0][0] == 421
        absolute = f"GET http://{HOST}/../secret.txt HTTP/1.1\r\nHost: rebinding.example.com\r\n\r\n".encode()
        assert split(exchange(port, absolute))[0][0] == 404


@given(path=st.text(max_size=40), host=st.text(max_size=30), accepted=st.text(max_size=30), known=st.text(max_size=30))
def test_every_request_gets_a_file_of_the_table_or_a_refusal(
    made_once: ConsoleApplication, path: str, host: str, accepted: str, known: str
) -> None:
    app = made_once
    # As headers come: bytes, read as Latin-1.
    accepted, known, host = (text.encode().decode("latin-1") for text in (accepted, known, host))
    answer = ask(app, f"/{path}", accept_encoding=accepted, if_none_match=known)
    assert (answer.status in (200, 304) and path != "none.js") or answer.status == 404
    if answer.status == 200 and "content-encoding" not in answer.headers and path != "config.json":
        assert answer.body in FILES.values()
    assert ask(app, "/", host=host).status == (200 if host.lower() in app._apis else 421)


def test_a_folder_is_not_listed(app: ConsoleApplication) -> None:
    assert b"index-Bx3k9.js" not in ask(app, "/assets/").body


def test_a_file_that_changes_after_the_start_is_served_as_it_was(tmp_path: Path) -> None:
    folder = build(tmp_path / "static")
    app = console(folder)
    (folder / "index.html").write_text("another")
    (folder / "new.txt").write_text("new")
    assert ask(app, "/").body == FILES["index.html"]
    assert ask(app, "/new.txt").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND"])
def test_only_get_and_head_are_answered(app: ConsoleApplication, method: str) -> None:
    answer = ask(app, "/", method, body=b"x" * 100)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_head_has_the_headers_of_get_and_no_body(app: ConsoleApplication) -> None:
    for path in ("/", SCRIPT_PATH, "/none.js", "/config.json"):
        get, head = ask(app, path), ask(app, path, "HEAD")
        assert (head.status, head.pairs, head.body) == (get.status, get.pairs, b"")
    with serving(app) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for method in ("HEAD", "GET"):  # On one connection: a body too many would be taken for the next answer.
            connection.request(method, SCRIPT_PATH, headers={"Host": HOST})
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("content-length")) == (200, str(len(SCRIPT)))
            assert answer.read() == (b"" if method == "HEAD" else SCRIPT)
        connection.close()


def test_text_is_compressed_for_clients_that_accept_it(app: ConsoleApplication) -> None:
    plain = ask(app, SCRIPT_PATH)
    for accepted in ("gzip", "br, gzip;q=0.5", "GZIP", "*"):
        packed = ask(app, SCRIPT_PATH, accept_encoding=accepted)
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == SCRIPT
        assert int(packed.headers["content-length"]) == len(packed.body) < len(SCRIPT)
        assert packed.headers["etag"] != plain.headers["etag"]
        assert packed.headers["vary"] == "Accept-Encoding"
    for accepted in ("", "br", "gzip;q=0", "gzip; q=0.0, br", "identity", "*;q=0", "gzip;q=abc"):
        answer = ask(app, SCRIPT_PATH, accept_encoding=accepted)
        assert (answer.body, "content-encoding" in answer.headers) == (SCRIPT, False)
        assert answer.headers["vary"] == "Accept-Encoding"


def test_files_that_would_not_become_smaller_stay_uncompressed(app: ConsoleApplication) -> None:
    for path in ("/assets/sans-1a2b.woff2", "/favicon.svg"):
        answer = ask(app, path, accept_encoding="gzip")
        assert "content-encoding" not in answer.headers
        assert answer.body == FILES[path[1:]]


def test_the_compressed_form_is_made_once(app: ConsoleApplication) -> None:
    first, second = (app._files[SCRIPT_PATH].compressed() for _ in range(2))
    assert first is second


def test_a_browser_that_has_the_file_gets_304(app: ConsoleApplication) -> None:
    for path in ("/", SCRIPT_PATH, "/config.json"):
        for encoding in ("", "gzip"):
            first = ask(app, path, accept_encoding=encoding)
            tag = first.headers["etag"]
            for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
                answer = ask(app, path, accept_encoding=encoding, if_none_match=known)
                assert (answer.status, answer.body) == (304, b"")
                assert answer.headers["etag"] == tag
                assert answer.headers["cache-control"] == first.headers["cache-control"]
                assert "content-length" not in answer.headers
            assert ask(app, path, accept_encoding=encoding, if_none_match='"other"').status == 200
    packed = ask(app, SCRIPT_PATH, accept_encoding="gzip").headers["etag"]
    assert ask(app, SCRIPT_PATH, if_none_match=packed).status == 200, "what it has is the compressed form"


def test_a_checkout_without_a_build_says_what_to_do(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        app = console(folder)
        for path in ("/", "/jobs"):
            answer = ask(app, path)
            assert (answer.status, b"run `make console`" in answer.body) == (503, True)
            assert answer.headers["content-security-policy"] == POLICY
        assert ask(app, "/config.json").status == 200
        assert ask(app, SCRIPT_PATH).status == 404
        assert ask(app, "/", host="rebinding.example.com:4567").status == 421


def test_the_configuration_holds_no_secret(app: ConsoleApplication) -> None:
    assert set(json.loads(ask(app, "/config.json").body)) == {"apiUrl", "region", "account", "version"}
