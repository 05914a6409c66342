"""Signing in by a token, as a page does: with no credentials but the token."""

from __future__ import annotations

from typing import Any

import botocore
from botocore.config import Config

from tests.worlds.extension import ExtensionWorld, keys_of


def unsigned(world: ExtensionWorld) -> Any:
    """Return a client without any credentials, which does not retry."""
    config = Config(signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1})
    return world.process.client("reading-room", access_key_id="x", secret_access_key="x", config=config)


def token_of(world: ExtensionWorld, key: dict[str, str] | None = None) -> str:
    """Return a new token for the owner of a key."""
    return str(world.room(key).create_sign_in_token()["Token"])


def signed_in(world: ExtensionWorld, key: dict[str, str] | None = None) -> tuple[dict[str, str], dict[str, Any]]:
    """Sign in with a token for the owner of a key; return the new key, and the whole answer."""
    answer = unsigned(world).redeem_sign_in_token(Token=token_of(world, key))
    return keys_of(answer["Credentials"]), dict(answer)
