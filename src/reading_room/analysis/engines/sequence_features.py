"""The features of a token for the sequence models: the token, its form, its neighbours, and the marks of a lexicon.

Each kind of writing has one function. The models were trained on exactly these strings, so a change here needs new
weights.
"""

from __future__ import annotations

from collections.abc import Sequence

_START = ["<3", "<2", "<1"]
_END = [">1", ">2", ">3"]


def word_features(tokens: Sequence[str], marks: Sequence[str]) -> list[list[str]]:
    """Return the features of each token of a sentence with blanks between its words."""
    low = _START + [token.lower() for token in tokens] + _END
    forms = _START + [_form(token) for token in tokens] + _END
    mark = _START + list(marks) + _END
    return [_word(token, at, low, forms, mark) for at, token in enumerate(tokens, 3)]


def _word(token: str, at: int, low: list[str], forms: list[str], mark: list[str]) -> list[str]:
    word, form, before, after = low[at], forms[at], low[at - 1], low[at + 1]
    found = [
        "b",
        "w=" + word,
        "s=" + form,
        "w-1=" + before,
        "w+1=" + after,
        "w-2=" + low[at - 2],
        "w+2=" + low[at + 2],
        "s-1=" + forms[at - 1],
        "s+1=" + forms[at + 1],
        "s-2=" + forms[at - 2],
        "s+2=" + forms[at + 2],
        "ws=" + word + form,
        "ww-=" + before + "|" + word,
        "ww+=" + word + "|" + after,
        "sss=" + forms[at - 1] + "|" + form + "|" + forms[at + 1],
        "x-1=" + before[-3:],
        "x+1=" + after[-3:],
        "p-1=" + before[:3],
        "p+1=" + after[:3],
    ]
    for length in range(1, min(5, len(word) - 1) + 1):
        found.append(f"p{length}=" + word[:length])
        found.append(f"x{length}=" + word[-length:])
    if form[0] == "X":
        found += ["C|x=" + word[-3:], "C|w-=" + before, "C|w+=" + after]
        if at == len(_START):
            found.append("C0")
        if token.isupper():
            found.append("CC|s-=" + forms[at - 1])
    if mark[at] != "-":
        found += ["m=" + mark[at], "ms=" + mark[at] + form, "m-=" + mark[at - 1] + mark[at], "mw-=" + mark[at] + before]
    if mark[at - 1] != "-":
        found.append("m-1=" + mark[at - 1])
    if mark[at + 1] != "-":
        found.append("m+1=" + mark[at + 1])
    return found


def character_features(tokens: Sequence[str], marks: Sequence[str]) -> list[list[str]]:
    """Return the features of each token of a sentence without blanks, in which most tokens are one character."""
    around = _START + list(tokens) + _END
    kinds = ["<"] * 3 + [_kind(token) for token in tokens] + [">"] * 3
    mark = _START + list(marks) + _END
    return [_character(at, around, kinds, mark) for at in range(3, len(tokens) + 3)]


def _character(at: int, around: list[str], kinds: list[str], mark: list[str]) -> list[str]:
    c3, c2, c1, here, d1, d2, d3 = around[at - 3 : at + 4]
    found = [
        "b",
        "c=" + here,
        "c-1=" + c1,
        "c+1=" + d1,
        "c-2=" + c2,
        "c+2=" + d2,
        "c-3=" + c3,
        "c+3=" + d3,
        "12=" + c1 + here,
        "23=" + here + d1,
        "01=" + c2 + c1,
        "34=" + d1 + d2,
        "13=" + c1 + "_" + d1,
        "123=" + c1 + here + d1,
        "012=" + c2 + c1 + here,
        "234=" + here + d1 + d2,
        "k0=" + kinds[at],
        "k=" + "".join(kinds[at - 1 : at + 2]),
        "K=" + "".join(kinds[at - 2 : at + 3]),
    ]
    if mark[at] != "-":
        found += ["m=" + mark[at], "mm+=" + mark[at] + mark[at + 1], "m-m=" + mark[at - 1] + mark[at]]
        found.append("mc=" + mark[at] + here)
    found += ["m-1=" + mark[at - 1], "m+1=" + mark[at + 1], "m-2=" + mark[at - 2], "m+2=" + mark[at + 2]]
    return found


def _form(token: str) -> str:
    """Return a token as its kinds of characters, with at most two of a kind in a row: ``Xxx``, ``dd,dd``, ``XX``."""
    form = ""
    for character in token:
        kind = character
        if character.isupper():
            kind = "X"
        elif character.isalpha():
            kind = "x"
        elif character.isdigit():
            kind = "d"
        if form[-2:] != kind * 2:
            form += kind
    return form


def _kind(token: str) -> str:
    """Return a letter for the script of a token; a punctuation mark stands for itself."""
    first = token[0]
    if first.isdigit():
        return "d"
    if "\u3040" <= first < "\u30a0":
        return "h"
    if "\u30a0" <= first < "\u3100":
        return "k"
    if "\u3400" <= first < "\ua000":
        return "H"
    return "a" if first.isalpha() else first
