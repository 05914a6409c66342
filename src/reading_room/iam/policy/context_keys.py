"""The condition keys that a policy uses, in its conditions and its variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reading_room.iam.policy.document import Policy, Statement
from reading_room.iam.policy.patterns import Variable, tokenize


def keys_of(policies: Iterable[Policy]) -> list[str]:
    """Return the keys that policies use, sorted, without duplicates (ignoring case), as first written."""
    found = (key for policy in policies for statement in policy.statements for key in statement_keys(policy, statement))
    return once(found)


def once(keys: Iterable[str]) -> list[str]:
    """Return keys sorted, without duplicates (ignoring case), as first written."""
    kept: dict[str, str] = {}
    for key in keys:
        kept.setdefault(key.lower(), key)
    return [kept[lowered] for lowered in sorted(kept)]


def statement_keys(policy: Policy, statement: Statement) -> Iterator[str]:
    """Yield the keys that one statement of a policy uses, as written."""
    texts = list(statement.resource_texts)
    for condition in statement.conditions:
        yield condition.key_text
        texts += condition.values
    if policy.version != "2012-10-17":
        return
    for text in texts:
        for token in tokenize(text, wildcards=False, variables=True):
            if isinstance(token, Variable):
                yield token.written
