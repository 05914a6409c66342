"""What boto3 makes anew for each client, made once for each service and process, or faster.

For each client, boto3 makes a class with every operation of the service, and reads the shapes of its model anew. For
EC2 that takes ten milliseconds, twice as long as a call in process, and most tests have clients of their own. It also
copies its tree of event handlers, and then resolves the aliases of each event's name again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any

from botocore.client import ClientCreator
from botocore.hooks import EventAliaser, NodeList, _PrefixTrie  # type: ignore[attr-defined]


def keep_classes() -> None:
    """From now on, clients of a session share the model and the class of their service. Nothing changes these."""
    for name, part in (("_load_service_model", "_loader"), ("_create_client_class", "_event_emitter")):
        setattr(ClientCreator, name, _kept(getattr(ClientCreator, name), part))
    for kind, name, method in (
        (_PrefixTrie, "_recursive_copy", _copied_tree),
        (EventAliaser, "__copy__", _sharing_aliases(EventAliaser.__copy__)),
    ):
        assert hasattr(kind, name)
        setattr(kind, name, method)


def _copied_tree(trie: Any, node: dict[str, Any]) -> dict[str, Any]:
    """Copy the nodes, not the handlers."""
    copied: dict[str, Any] = {}
    for key, value in node.items():
        if type(value) is NodeList:
            copied[key] = NodeList(*(part[:] for part in value))
        else:
            copied[key] = _copied_tree(trie, value) if type(value) is dict else value
    return copied


def _sharing_aliases(copy: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a way to copy that shares the aliases of names seen so far: they are the same for all clients."""

    @wraps(copy)
    def sharing(emitter: Any) -> Any:
        copied = copy(emitter)
        copied._alias_name_cache = emitter._alias_name_cache
        return copied

    return sharing


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
