"""``jobs run --kind pii --redact``: a mixed folder becomes one of redacted copies, with a report."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from typer.testing import CliRunner

from reading_room.analysis.readers.reading import read
from reading_room.cli import commands, job_plan, reading
from reading_room.cli.jobs_run import SOME_FAILED
from tests.worlds import made_documents as made
from tests.worlds.product import Product
from tests.worlds.recall_profiles import profile_text

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

TEXTS = {
    "en": "Please write to {}, because the committee meets again on Monday and the house will be sold in the spring.",
    "es": "Escriba por favor a {}, porque el comité se reúne otra vez el lunes y la casa se venderá en primavera.",
    "de": "Bitte schreiben Sie an {}, weil der Ausschuss sich am Montag wieder trifft und das Haus verkauft wird.",
    "fr": "Écrivez à {}, parce que le comité se réunit de nouveau lundi et que la maison sera vendue au printemps.",
    "it": "Scrivete a {}, perché il comitato si riunisce di nuovo lunedì e la casa sarà venduta in primavera.",
    "pt": "Escreva para {}, porque o comité volta a reunir-se na segunda-feira e a casa será vendida na primavera.",
}


def text(language: str, name: str) -> str:
    """Return a text of a language with the address of somebody."""
    return TEXTS[language].format(f"{name}@example.org")


def wrapped(of: str) -> list[str]:
    """Return a text in lines that fit a page."""
    return [of[at : at + 70] for at in range(0, len(of), 70)]


FILES: dict[str, tuple[str, bytes]] = {
    "notes/plain.txt": ("en", text("en", "anna").encode()),
    "notes/latin.txt": ("es", text("es", "berta").encode("latin1")),
    "readme.md": ("pt", text("pt", "clara").encode()),
    "letters/report.pdf": ("en", made.pdf([wrapped(text("en", "dora")), wrapped(text("en", "emma"))])),
    "letters/carta.pdf": ("es", made.pdf([[text("es", "filipa").encode("ascii", "ignore").decode()]])),
    "offer.docx": ("en", made.docx([text("en", "greta")], comments=text("en", "hanna"))),
    "angebot.docx": ("de", made.docx([text("de", "ida")])),
    "slides.pptx": ("fr", made.pptx([text("fr", "jana")])),
    "people.xlsx": ("en", made.xlsx([["Name", "Note"], ["x", text("en", "klara")]])),
    "lettera.odt": ("it", made.odt([text("it", "lena")])),
    "livro.epub": ("pt", made.epub([f"<p>{text('pt', 'mona')}</p>"])),
    "page.html": ("fr", f"<p>{text('fr', 'nora')}</p>".encode()),
    "list.csv": ("en", f'id,note\n1,"{text("en", "olga")}"\n'.encode()),
    "records.jsonl": ("es", json.dumps({"text": text("es", "paula")}).encode()),
    "mail.eml": ("en", made.eml(text("en", "rita"), {"inner.pdf": made.pdf([wrapped(text("en", "sara"))])})),
    "packed.txt.gz": ("en", gzip.compress(text("en", "tina").encode(), mtime=0)),
    "to ulla@example.org.txt": ("en", text("en", "ulla").encode()),
    "broken.pdf": ("en", b"%PDF-1.7 broken"),
}
"""Twelve types of files in six languages; each has an address of its own."""
READ = frozenset(job_plan.languages_of("pii"))


def run(product: Product, *words: str) -> tuple[int, str]:
    """Run ``jobs run`` against a running product; return its exit code and what it printed."""
    place = ("--data", str(product.data), "--port", product.endpoint().url.rpartition(":")[2])
    result = CliRunner().invoke(commands.app, ["jobs", "run", *words, *place])
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.costs(30, reason="a job detects languages, and one for each of them redacts")
def test_a_mixed_folder_is_redacted(product: Product, tmp_path: Path) -> None:
    folder, out = tmp_path / "mixed", tmp_path / "redacted"
    for name, (_, content) in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "old.doc").write_bytes(b"x")
    code, printed = run(product, str(folder), "--kind", "pii", "--redact", str(out))
    assert code == SOME_FAILED, printed
    assert f"Redacted copies and redaction-report.json are in {out}" in printed
    assert "broken.pdf: INVALID_DOCUMENT" in printed
    report: dict[str, Any] = json.loads((out / "redaction-report.json").read_text())
    files = {each["Number"]: each for each in report["Files"]}
    # Files without an engine for their language, and old formats, are named; nothing is written for them.
    unread = {name for name, (language, _) in FILES.items() if language not in READ and name != "broken.pdf"}
    assert {each["File"] for each in report["NotRead"]} == unread | {"old.doc"}
    done = {each["File"]: each for each in files.values() if "File" in each}
    assert set(done) == set(FILES) - unread - {"to ulla@example.org.txt"}
    (hidden,) = [each for each in files.values() if "File" not in each]
    assert hidden["Written"] == [f"file-{hidden['Number']}.txt"]
    assert done["letters/report.pdf"]["Written"] == ["letters/report.pdf", "letters/report.pdf.txt"]
    assert done["offer.docx"]["Written"] == ["offer.docx", "offer.docx.txt"]
    assert done["people.xlsx"]["Written"] == ["people.xlsx.txt"]
    assert done["notes/plain.txt"]["Replaced"]["EMAIL"] == 1
    assert done["letters/report.pdf"]["Replaced"]["EMAIL"] == done["mail.eml"]["Replaced"]["EMAIL"] - 2 == 2
    assert (done["broken.pdf"]["Written"], len(done["broken.pdf"]["Errors"])) == ([], 1)
    written = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    assert set(written) == {name for each in files.values() for name in each["Written"]} | {"redaction-report.json"}
    for name, path in written.items():
        assert "@example" not in name
        content = path.read_bytes()
        assert b"@example" not in content, name
        assert path.stat().st_mode & 0o777 == 0o600
        if name.endswith(".pdf"):
            with pypdfium2.PdfDocument(content) as document:
                assert all(page.get_textpage().get_text_range() == "" for page in document)
        elif name != "redaction-report.json":
            assert "[EMAIL]" in "".join(each.text for each in read(content, name)), name
    assert "because the committee meets" in written["offer.docx.txt"].read_text()
    # The input is as it was, and another run may replace the output.
    assert {name: (folder / name).read_bytes() for name in FILES} == {name: each for name, (_, each) in FILES.items()}


@pytest.mark.costs(20, reason="three jobs redact")
def test_a_run_without_errors_replaces_the_output_of_an_earlier_one(product: Product, tmp_path: Path) -> None:
    folder, out = tmp_path / "letters", tmp_path / "redacted"
    folder.mkdir()
    (folder / "a.txt").write_text(text("en", "anna"))
    words = (str(folder), "--kind", "pii", "--language", "en", "--redact", str(out))
    assert run(product, *words)[0] == 0
    (folder / "a.txt").rename(folder / "b.txt")
    code, printed = run(product, *words)
    assert code == 0, printed
    assert sorted(path.name for path in out.iterdir()) == ["b.txt", "redaction-report.json"]
    assert "email" in printed.lower()
    room = reading.Account(product.endpoint()).client("reading-room")
    # No finding is quite sure, so nothing is left to replace.
    room.put_pii_profile(Name="folder", Content=profile_text({"EMAIL": 1.0, "DATE_TIME": 1.0}))
    assert run(product, *words, "--pii-profile", "folder")[0] == 0
    assert (out / "b.txt").read_text() == text("en", "anna")
    (job,) = json.loads((out / "redaction-report.json").read_text())["Jobs"]
    bound = job["PiiProfile"]
    assert (bound["Name"], bound["Recall"], bound["Confidence"]) == ("folder", 0.98, 0.95)
    code, printed = run(product, *words, "--pii-profile", "nobody")
    assert (code, "--pii-profile nobody" in printed) == (1, True)
    room.delete_pii_profile(Name="folder")
    (out / "notes").write_text("mine")
    code, printed = run(product, *words)
    assert (code, "name a new or an empty folder" in printed) == (1, True)
    code, printed = run(product, str(folder), "--redact", str(tmp_path / "new"))
    assert (code, "only for --kind pii" in printed) == (1, True)
