"""How requests name keys: by id, ARN, alias, or the ARN of an alias."""

from __future__ import annotations

from dataclasses import dataclass

from reading_room.arns import Arn
from reading_room.kms.errors import InvalidArnException
from reading_room.kms.keys import alias_arn, key_arn


@dataclass(frozen=True, slots=True)
class Reference:
    """A key as a request names it."""

    account: str
    arn: str
    """Of the key, or of the alias."""
    key_id: str | None
    alias: str | None
    """The alias, with ``alias/``."""


def parse_reference(text: str, account: str, region: str, *, aliases: bool = True) -> Reference:
    """Return what a request names. ``account`` is the caller's.

    ``aliases`` says whether the operation accepts aliases. Raises ``InvalidArnException``.
    """
    name = text
    if text.startswith("arn:"):
        try:
            arn = Arn.parse(text)
        except ValueError:
            raise InvalidArnException.of_key(text) from None
        kind, _, rest = arn.resource.partition("/")
        if (arn.partition, arn.service, arn.region) != ("aws", "kms", region) or kind not in ("key", "alias"):
            raise InvalidArnException.of_key(text)
        account, name = arn.account, arn.resource if kind == "alias" else rest
    if name.startswith("alias/"):
        if not aliases:
            raise InvalidArnException.of_alias(text)
        return Reference(account, alias_arn(region, account, name), None, name)
    return Reference(account, key_arn(region, account, name), name, None)
