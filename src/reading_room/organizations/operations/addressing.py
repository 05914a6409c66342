"""The resources and condition keys of calls, for authorization."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reading_room.aws.call import Call
from reading_room.iam.tags import tag_context
from reading_room.organizations.arns import short


def named(*parameters: str) -> Callable[[Call], Sequence[str]]:
    """Return the function that yields the resources whose ids some parameters have."""

    def resources(call: Call) -> Sequence[str]:
        return tuple(short(call.parameters[name]) for name in parameters if name in call.parameters) or ("*",)

    return resources


def of_kind(call: Call) -> Mapping[str, Sequence[str]]:
    """Return the keys of a call that names a type of policies, and the tags that it sets."""
    kind = call.parameters.get("PolicyType") or call.parameters.get("Type") or call.parameters.get("Filter")
    keys = dict(tag_context(call))
    if isinstance(kind, str):
        keys["organizations:PolicyType"] = (kind,)
    return keys
