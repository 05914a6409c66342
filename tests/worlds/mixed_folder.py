"""A folder as people have them: fifteen types of files in six languages, with names, places and personal data."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

from tests.worlds import made_documents as made

TEXTS: Mapping[str, str] = {
    "en": "Marie Curie was born in Warsaw and worked in Paris for most of her life. Her discoveries were wonderful, "
    "and her students admired her. Write to marie.curie@example.org, or call +44 20 7946 0958.",
    "de": "Angela Merkel wurde in Hamburg geboren und lebte lange in Berlin. Die Arbeit war schwer, aber das Ergebnis "
    "ist sehr gut geworden. Schreiben Sie an angela.merkel@example.org oder rufen Sie +49 30 901820 an.",
    "fr": "Victor Hugo est né à Besançon et a longtemps vécu à Paris avec sa famille. Ses livres sont magnifiques et "
    "tout le monde les connaît. Écrivez à victor.hugo@example.org ou appelez le +33 1 42 34 56 78.",
    "es": "Federico García Lorca nació en Granada y vivió muchos años en Madrid. Sus poemas son maravillosos y todavía "
    "se leen en todo el mundo. Escriba a federico.garcia@example.org o llame al +34 912 34 56 78.",
    "it": "Galileo Galilei nacque a Pisa e lavorò a lungo a Firenze e a Padova. Le sue scoperte sono meravigliose e "
    "nessuno le ha dimenticate. Scrivete a galileo.galilei@example.org o chiamate il +39 06 6982 1234.",
    "pt": "Fernando Pessoa nasceu em Lisboa e passou a infância em Durban com a sua família. Os seus poemas são "
    "maravilhosos e muito conhecidos. Escreva para fernando.pessoa@example.org ou ligue para +351 21 342 0000.",
}
"""A text in each language: a person, two places, praise, an e-mail address and a telephone number."""
PLACES: Mapping[str, str] = {
    "en": "Warsaw", "de": "Hamburg", "fr": "Besançon", "es": "Granada", "it": "Firenze", "pt": "Lisboa"
}  # fmt: skip
"""A place that is in the text of each language."""
BROKEN = "scans/broken.pdf"
"""The file that cannot be read."""


def mixed_files() -> dict[str, tuple[str, bytes]]:
    """Return the files by their names, each with its language and content; one of them is broken."""
    en, de, fr, es, it, pt = (TEXTS[code] for code in ("en", "de", "fr", "es", "it", "pt"))
    return {
        "notes/english.txt": ("en", en.encode()),
        "notes/deutsch.txt": ("de", de.encode("utf-16")),
        "notes/español.txt": ("es", es.encode("latin1")),
        "lisboa.md": ("pt", f"# Pessoa\n\n{pt}\n".encode()),
        "report.pdf": ("en", made.pdf([_wrapped(en), _wrapped(en)])),
        "brief.docx": ("de", made.docx([de])),
        "slides.pptx": ("fr", made.pptx([fr, fr])),
        "clientes.xlsx": ("es", made.xlsx([["Nombre", "Nota"], ["Federico García Lorca", es]])),
        "lettera.odt": ("it", made.odt([it])),
        "livro.epub": ("pt", made.epub([f"<p>{pt}</p>"])),
        "page.html": ("fr", f"<html><body><p>{fr}</p><script>x</script></body></html>".encode()),
        "bericht.rtf": ("de", b"{\\rtf1\\ansi\\ansicpg1252 " + de.encode("cp1252") + b"}"),
        "clienti.csv": ("it", f"nome;nota\nGalileo Galilei;{it}\n".encode("cp1252")),
        "records.jsonl": ("en", f'{{"id": 1, "text": "{en}"}}\n'.encode()),
        "mail/answer.eml": ("en", made.eml(en, {"inner.pdf": made.pdf([_wrapped(en)])})),
        "mail/box.mbox": ("fr", b"From x@example.org Mon Nov 30 10:00:00 2026\n" + made.eml(f"{fr}\n{fr}")),
        "archive.txt.gz": ("pt", gzip.compress(pt.encode(), mtime=0)),
        BROKEN: ("en", b"%PDF-1.7 broken"),
    }


def write_mixed_folder(folder: Path) -> None:
    """Write all files into a folder, which is created."""
    for name, (_, content) in mixed_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _wrapped(text: str, width: int = 80) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)
