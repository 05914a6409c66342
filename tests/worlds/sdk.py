"""boto3's service models and classes of clients, made once for each service and process.

For each client, boto3 makes a class with every operation of the service, and reads the shapes of its model anew. For
EC2 that takes ten milliseconds, twice as long as a call in process, and most tests have clients of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any

from botocore.client import ClientCreator


def keep_classes() -> None:
    """From now on, clients of a session share the model and the class of their service. Nothing changes these."""
    for name, part in (("_load_service_model", "_loader"), ("_create_client_class", "_event_emitter")):
        setattr(ClientCreator, name, _kept(getattr(ClientCreator, name), part))


def _kept(make: Callable[..., Any], part: str) -> Callable[..., Any]:
    """Return a method that keeps its results for each set of arguments and for each session, which has its own part."""
    made: dict[tuple[Hashable, ...], Any] = {}

    @wraps(make)
    def kept(creator: ClientCreator, *arguments: Hashable) -> Any:
        key = (getattr(creator, part), *arguments)
        if key not in made:
            made[key] = make(creator, *arguments)
        return made[key]

    return kept
