"""Values that tests read from boto3's answers."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    """Return code and message of the error that a call raises."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def key_of(answer: Any) -> dict[str, str]:
    """Return the temporary key of an answer, as a client's options."""
    credentials = answer["Credentials"]
    return {
        "access_key_id": credentials["AccessKeyId"],
        "secret_access_key": credentials["SecretAccessKey"],
        "session_token": credentials["SessionToken"],
    }
