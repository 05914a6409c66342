"""The error messages for commands that cannot work: one line that names the problem and what to change."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from reading_room.cli import commands, jobs, main, options
from reading_room.cli.screen import PIPED_COLUMNS, make_console, plain
from reading_room.settings import Settings

PLACE = ("--data /srv/rr", "--port 5000")
SUGGESTED = {
    ("up",): (*PLACE, "--console-port 5001"),
    ("console",): (*PLACE, "--console-port 5001"),
    ("jobs", "watch", "1"): PLACE,
    ("host", "token"): PLACE,
    ("rollback",): PLACE[:1],
    ("accounts", "list"): PLACE[:1],
}
"""Words of a command to suggest, and the options that follow them."""


def says(*arguments: str, code: int = 1) -> str:
    """Run the program and return the last line that it printed."""
    result = CliRunner().invoke(commands.app, [*arguments])
    assert result.exit_code == code, result.output
    assert not isinstance(result.exception, Exception), result.exception
    assert "Traceback" not in result.output
    return result.output.strip().splitlines()[-1]


def texts(folder: Path, *names: str) -> Path:
    """Make a folder with these files and return it."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("Marie Curie lived in Paris.")
    return folder


def test_a_suggested_command_names_the_folder_and_the_ports_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("READING_ROOM_DATA", "READING_ROOM_PORT", "READING_ROOM_CONSOLE_PORT"):
        monkeypatch.delenv(name, raising=False)
    settings = replace(Settings.from_environment(), data=Path("/srv/rr"), port=5000, console_port=5001)
    hints = {words: options.command(settings, *words).partition("reading-room ")[2] for words in SUGGESTED}
    assert hints == {words: " ".join((*words, *given)) for words, given in SUGGESTED.items()}
    monkeypatch.setenv("READING_ROOM_CONSOLE_PORT", "5001")
    assert "--console-port" not in options.command(settings, "console"), (
        "the environment sets it for the next command too"
    )


@pytest.mark.costs(0.5, reason="every command is loaded")
def test_a_command_is_suggested_with_options_that_it_takes() -> None:
    settings = replace(Settings.from_environment({}), data=Path("/srv/rr"), port=5000, console_port=5001)
    options_of = {words: taken for words, taken in leaves(get_command(commands.app)) if "--data" in taken}
    place = {"--data", "--port", "--console-port"}
    suggested = {words: place.intersection(options.command(settings, *words).split()) for words in options_of}
    assert suggested == {words: place & taken for words, taken in options_of.items()}


def test_the_commands_of_hosts_also_work_in_the_plural() -> None:
    tree: Any = get_command(commands.app)
    assert "demo" in tree.commands["hosts"].commands
    assert tree.commands["hosts"].commands.keys() == tree.commands["host"].commands.keys()


def leaves(tree: Any, *words: str) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Yield the words and the options of every command that is not hidden."""
    if isinstance(tree, TyperGroup):
        for name, each in tree.commands.items():
            if not each.hidden:
                yield from leaves(each, *words, name)
    else:
        yield words, {name for each in tree.params for name in each.opts}


def test_in_a_pipe_each_event_of_a_story_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    arn = "arn:aws:comprehend:us-east-1:000000000001:document-classifier/tickets/version/v1"
    jobs.print_story([(7, f"Submitted: submitted by CreateDocumentClassifier to make {arn}"), (125_007, "Done: end")])
    assert capsys.readouterr().out.splitlines() == [
        f"     0 ms  submitted by CreateDocumentClassifier to make {arn}",
        "125000 ms  end",
    ]


def test_a_folder_without_texts_is_named_with_its_content(tmp_path: Path) -> None:
    assert says("jobs", "run").endswith("name a folder of documents")
    assert says("jobs", "run", str(tmp_path / "none")).endswith("none is not a folder: name a folder of documents")
    texts(tmp_path, "a.doc")
    assert says("jobs", "run", str(tmp_path)).endswith("save them as .docx, .xlsx or .pptx: a.doc")


def test_results_that_could_not_be_written_are_refused_at_once(tmp_path: Path) -> None:
    texts(tmp_path, "a.txt")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "out-documents.csv").mkdir()
    for output in ("none/out.jsonl", "folder.csv", "out.csv"):
        assert "cannot be written" in says("jobs", "run", str(tmp_path), "--output", str(tmp_path / output))


@pytest.mark.parametrize("name", ["out", "out.json", "out.xls", "out.txt"])
def test_a_file_for_results_with_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    texts(tmp_path, "a.txt")
    printed = says("jobs", "run", str(tmp_path), "--output", str(tmp_path / name))
    assert printed.endswith(f"{name}: name a file that ends with .jsonl, .csv or .xlsx")


def test_an_unknown_kind_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    texts(tmp_path, "a.txt")
    for kind in ("recipes", "entities,recipes"):
        assert says("jobs", "run", str(tmp_path), "--kind", kind).endswith(
            "--kind recipes: expected all, or some of entities, key-phrases, sentiment, targeted-sentiment, pii, "
            "events, dominant-language, topics, syntax, classification"
        )


def test_a_classification_without_a_classifier_is_refused_with_how_to_find_one(tmp_path: Path) -> None:
    texts(tmp_path, "a.txt")
    run = ("jobs", "run", str(tmp_path))
    assert "name a custom classifier with --classifier ARN" in says(*run, "--kind", "classification")
    assert "--classifier: is only for --kind classification" in says(*run, "--classifier", "arn:aws:x")


def test_a_language_that_a_kind_does_not_know_is_refused_with_those_it_knows(tmp_path: Path) -> None:
    texts(tmp_path, "a.txt")
    run = ("jobs", "run", str(tmp_path), "--kind", "targeted-sentiment", "--language", "ja")
    assert says(*run).endswith("--language ja: targeted-sentiment knows en")


def test_a_data_folder_that_is_not_the_products_is_named(tmp_path: Path) -> None:
    assert "credentials cannot be read (No such file" in says("jobs", "explain", "x", "--data", str(tmp_path))
    assert "db.sqlite cannot be read" in says("network", "trace", "eni-1", "192.0.2.1:1", "--data", str(tmp_path))
    (tmp_path / "credentials").write_text("[other]\n")
    assert "holds no key for the profile default" in says("jobs", "explain", "x", "--data", str(tmp_path))


def test_another_program_on_the_port_is_not_mistaken_for_the_product(tmp_path: Path) -> None:
    class NoAws(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = AKIA\naws_secret_access_key = x\n")
    texts(tmp_path, "texts/a.txt")
    with HTTPServer(("127.0.0.1", 0), NoAws) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = ("--data", str(tmp_path), "--port", str(server.server_port))
        wanted = f"is it Reading Room that listens on 127.0.0.1:{server.server_port}?"
        for command in (("run", str(tmp_path / "texts")), ("explain", "x")):
            assert wanted in says("jobs", *command, *place)
        server.shutdown()


@pytest.mark.parametrize("destination", ["here", "192.0.2.1:http", "192.0.2.1:65536", "192.0.2.1:-1", "2001:db8::1"])
def test_a_malformed_destination_is_refused_with_an_example(destination: str) -> None:
    assert "expected ADDRESS:PORT, for example" in says("network", "trace", "eni-1", destination)


def test_an_impossible_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READING_ROOM_PROFILE", "closed")
    for command in (("doctor",), ("up",), ("jobs", "explain", "x")):
        assert says(*command).endswith("READING_ROOM_PROFILE='closed': expected one of open, aws")


def test_text_from_documents_can_neither_control_the_terminal_nor_be_markup() -> None:
    assert plain("[/red]\x1b[31mx\n\udce9é") == "\\[/red]\\x1b[31mx\\n\\udce9é"


def test_tables_are_not_squeezed_without_a_terminal(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w+") as file:
        assert make_console(file=file).width >= PIPED_COLUMNS


def test_an_unexpected_error_is_a_line_and_not_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "db.sqlite").write_text("no database, whatever its name says" * 100)
    monkeypatch.delenv("READING_ROOM_LOG_LEVEL", raising=False)
    arguments = ["network", "trace", "eni-1", "192.0.2.1:1", "--data", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["reading-room", *arguments])
    with pytest.raises(SystemExit) as ended:
        main.run()
    assert ended.value.code == main.DEFECT
    assert "a bug in this program: DatabaseError" in capsys.readouterr().err


def loaded_by(code: str) -> set[str]:
    """Return the modules that a new process has loaded after some code."""
    argv = [sys.executable, "-c", f"{code}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"]
    return set(json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout))


@pytest.mark.costs(0.3, reason="a process is started")
def test_the_privileged_process_loads_no_sdk_no_database_and_no_cryptography() -> None:
    loaded = loaded_by(
        "from reading_room.cli import main\n"
        "main.program('agent')\n"
        "import reading_room.agent.main, reading_room.cli.agent_config"
    )
    assert "reading_room.dataplane.linux.driver" in loaded
    large = {
        "boto3",
        "botocore",
        "sqlalchemy",
        "cryptography",
        "spacy",
        "numpy",
        "reading_room.iam",
        "reading_room.aws",
    }
    assert large & loaded == set()


@pytest.mark.costs(0.5, reason="a process is started")
@pytest.mark.parametrize(
    ("command", "large"),
    [
        ("network_trace.trace", {"boto3", "reading_room.agent.main", "reading_room.iam.authorizer"}),
        ("network.plan", {"boto3", "sqlalchemy", "reading_room.agent.main"}),
        ("network.endpoint_policy", {"boto3", "sqlalchemy"}),
        ("access.explain", {"botocore", "sqlalchemy"}),
        ("jobs.explain", {"sqlalchemy"}),
    ],
)
def test_no_command_imports_what_only_other_commands_need(command: str, large: set[str]) -> None:
    module, _, name = command.partition(".")
    loaded = loaded_by(f"from reading_room.cli import main\nfrom reading_room.cli.{module} import {name}")
    assert {"cryptography", "reading_room.wiring.product", *large} & loaded == set()


def test_the_whole_program_and_the_short_way_print_the_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["reading-room", "--version"])
    main.run()
    said = capsys.readouterr().out.strip()
    assert said.startswith("reading-room ")
    assert says("--version", code=0) == said
