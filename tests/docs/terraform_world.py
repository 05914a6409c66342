"""A Terraform configuration that is read from a page and simulated: the values of expressions, the order, the plans.

``terraform_resources`` has the API calls of each resource type. Only the expressions that the page uses have a value
here. Any other fails the test, and so does an argument that no resource reads.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any, ClassVar

import hcl2
from hcl2.rules.abstract import LarkElement
from hcl2.rules.base import AttributeRule, BlockRule, BodyRule
from hcl2.rules.containers import ObjectElemKeyRule, ObjectRule, TupleRule
from hcl2.rules.expressions import ExprTermRule
from hcl2.rules.functions import FunctionCallRule
from hcl2.rules.indexing import GetAttrExprTermRule, GetAttrRule
from hcl2.rules.literal_rules import IdentifierRule, IntLitRule, LiteralValueRule
from hcl2.rules.strings import InterpolationRule, StringRule
from hcl2.utils import SerializationOptions
from hcl2.walk import find_all

State = dict[str, Any]
"""The attributes of a resource, as Terraform keeps them after a read."""
PLAIN = SerializationOptions(strip_string_quotes=True)


class NotKnown(AssertionError):
    """The configuration has something that cannot be simulated here."""


def path_of(node: LarkElement) -> tuple[str, ...]:
    """Return the names of a reference, ``("aws_vpc", "jobs", "id")``."""
    if isinstance(node, ExprTermRule):
        return path_of(node.expression)
    if isinstance(node, IdentifierRule):
        return (str(node.serialize()),)
    if isinstance(node, GetAttrExprTermRule):
        before, attribute = node.children
        assert isinstance(attribute, GetAttrRule)
        return (*path_of(before), *path_of(attribute.children[-1]))
    raise NotKnown(f"no reference: {node.serialize()}")


def references(node: LarkElement) -> set[str]:
    """Return the resources that a value refers to, such as ``aws_vpc.jobs``."""
    return {".".join(path_of(found)[:2]) for found in find_all(node, GetAttrExprTermRule) if len(path_of(found)) > 2}


def json_encoded(value: object) -> str:
    """Return what ``jsonencode`` returns: no blanks, names in order."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def value_of(node: LarkElement, states: Mapping[str, State]) -> Any:
    """Return the value of an expression; references get their values from the states."""
    match node:
        case ExprTermRule():
            return value_of(node.expression, states)
        case LiteralValueRule() | IntLitRule():
            return node.serialize()
        case StringRule():
            return "".join(str(_part(part.content, states)) for part in node.string_parts)
        case TupleRule():
            return [value_of(element, states) for element in node.elements]
        case ObjectRule():
            return {_key(element.key): value_of(element.expression, states) for element in node.elements}
        case FunctionCallRule() if [path_of(name) for name in node.identifiers] == [("jsonencode",)]:
            assert node.arguments is not None
            (argument,) = node.arguments.arguments
            return json_encoded(value_of(argument, states))
        case GetAttrExprTermRule():
            kind, name, attribute = path_of(node)
            state = states.get(f"{kind}.{name}", {})
            if attribute not in state:
                raise NotKnown(f"{kind}.{name} has no {attribute}")
            return state[attribute]
    raise NotKnown(f"no value: {node.serialize()}")


def _part(content: LarkElement, states: Mapping[str, State]) -> object:
    return value_of(content.expression, states) if isinstance(content, InterpolationRule) else content.serialize()


def _key(key: LarkElement) -> str:
    if not isinstance(key, ObjectElemKeyRule):
        raise NotKnown(f"no plain key: {key.serialize()}")
    return str(key.serialize(PLAIN))


class Arguments:
    """The values of a block, which record whether they were read; nested blocks are lists of the same."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Keep the values; none is read yet."""
        self._values = dict(values)
        self._read: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """Return an argument, or the default of the provider, and record that it was read."""
        self._read.add(name)
        return self._values.get(name, default)

    def blocks(self, name: str) -> list[Arguments]:
        """Return the blocks of a name."""
        found: list[Arguments] = self.get(name, [])
        return found

    def names(self) -> list[str]:
        """Return the names of the given arguments."""
        return list(self._values)

    def unread(self) -> list[str]:
        """Return the arguments that nobody has read, ``ingress.self`` for one in a block."""
        found = [name for name in self._values if name not in self._read]
        for name, value in self._values.items():
            if name in self._read and isinstance(value, list):
                inner = [each for block in value if isinstance(block, Arguments) for each in block.unread()]
                found += [f"{name}.{each}" for each in inner]
        return found


def arguments_of(body: BodyRule, states: Mapping[str, State]) -> Arguments:
    """Return the values of a body."""
    values: dict[str, Any] = {}
    for child in body.children:
        if isinstance(child, AttributeRule):
            values[str(child.identifier.serialize())] = value_of(child.expression, states)
        elif isinstance(child, BlockRule):
            name, *labels = _labels(child)
            assert not labels, f"a block with labels within one: {name}"
            values.setdefault(name, []).append(arguments_of(child.body, states))
    return Arguments(values)


def names_of(body: BodyRule) -> set[str]:
    """Return the names of the arguments in a body."""
    given = (child for child in body.children if isinstance(child, AttributeRule | BlockRule))
    return {str(each.identifier.serialize()) if isinstance(each, AttributeRule) else _labels(each)[0] for each in given}


def _labels(block: BlockRule) -> list[str]:
    return [str(label.serialize(PLAIN)) for label in block.labels]


@dataclass(frozen=True)
class Declared:
    """A resource of the configuration: its type, and its body without values."""

    address: str
    kind: str
    body: BodyRule


@dataclass
class Configuration:
    """The content of a configuration; other types of blocks are not known."""

    terraform: Arguments
    provider: Arguments
    resources: dict[str, Declared] = field(default_factory=dict)
    outputs: dict[str, BodyRule] = field(default_factory=dict)

    def in_order(self) -> list[Declared]:
        """Return the resources, each after those that it refers to."""
        graph = {address: sorted(references(each.body)) for address, each in self.resources.items()}
        missing = {name for names in graph.values() for name in names} - set(graph)
        if missing:
            raise NotKnown(f"not declared: {sorted(missing)}")
        return [self.resources[address] for address in TopologicalSorter(graph).static_order()]


def configuration_of(text: str) -> Configuration:
    """Read a configuration."""
    found = Configuration(Arguments({}), Arguments({}))
    for block in hcl2.parses(text).body.children:
        if not isinstance(block, BlockRule):
            continue
        match _labels(block):
            case ["terraform"]:
                found.terraform = arguments_of(block.body, {})
            case ["provider", "aws"]:
                found.provider = arguments_of(block.body, {})
            case ["resource", kind, name]:
                found.resources[f"{kind}.{name}"] = Declared(f"{kind}.{name}", kind, block.body)
            case ["output", name]:
                found.outputs[name] = block.body
            case labels:
                raise NotKnown(f"a block {' '.join(labels)}")
    return found


class Resource(ABC):
    """A resource type: the calls of Terraform's provider to create, read, change and delete one."""

    in_place: ClassVar[frozenset[str]] = frozenset()
    """The arguments that it can change. Changing another one would replace the resource, which readers would lose."""

    @abstractmethod
    def create(self, wanted: Arguments) -> str:
        """Create one and wait until it exists; return its id."""

    @abstractmethod
    def read(self, identity: str, wanted: Arguments) -> State:
        """Return its attributes, in the form of ``wanted_form``."""

    @abstractmethod
    def update(self, state: State, wanted: Arguments, changed: set[str]) -> None:
        """Change arguments in place and wait until they have the new values."""

    @abstractmethod
    def delete(self, state: State) -> None:
        """Delete it, and wait until it can no longer be read."""

    def wanted_form(self, name: str, wanted: Arguments) -> Any:
        """Return an argument in the form in which it is compared."""
        return wanted.get(name)

    def differing(self, state: State, wanted: Arguments) -> set[str]:
        """Return the arguments that differ from the state, including those that no read returns."""
        return {name for name in wanted.names() if self.wanted_form(name, wanted) != state.get(name, NotKnown)}


class Play:
    """A simulated configuration: the created resources, and the state that Terraform would keep."""

    def __init__(self, kinds: Mapping[str, Callable[[], Resource]]) -> None:
        """Start without resources."""
        self._kinds = kinds
        self.states: dict[str, State] = {}
        self._order: list[str] = []
        self._types: dict[str, Resource] = {}

    def plan(self, configuration: Configuration) -> dict[str, set[str]]:
        """Read all resources again; return the arguments that differ, by resource."""
        found: dict[str, set[str]] = {}
        for declared in configuration.in_order():
            state = self.states.get(declared.address)
            if state is None:
                # What it refers to need not exist yet.
                found[declared.address] = names_of(declared.body)
                continue
            wanted = arguments_of(declared.body, self.states)
            kind = self._types[declared.address]
            state = self.states[declared.address] = kind.read(state["id"], wanted)
            found[declared.address] = kind.differing(state, wanted)
        return {address: names for address, names in found.items() if names}

    def apply(self, configuration: Configuration) -> None:
        """Create missing resources, and change differing ones in place, in the order of the references."""
        for declared in configuration.in_order():
            wanted = arguments_of(declared.body, self.states)
            if declared.address not in self.states:
                if declared.kind not in self._kinds:
                    raise NotKnown(f"a resource of type {declared.kind}")
                kind = self._types[declared.address] = self._kinds[declared.kind]()
                identity = kind.create(wanted)
                self.states[declared.address] = {"id": identity}
                self._order.append(declared.address)
                self.states[declared.address] = kind.read(identity, wanted)
            else:
                self._change(declared.address, wanted)
            if unread := wanted.unread():
                raise NotKnown(f"{declared.address}: nobody reads {unread}")

    def _change(self, address: str, wanted: Arguments) -> None:
        kind, state = self._types[address], self.states[address]
        changed = kind.differing(state, wanted)
        assert changed <= kind.in_place, f"{address}: {sorted(changed - kind.in_place)} would replace it"
        if changed:
            kind.update(state, wanted, changed)
        self.states[address] = kind.read(state["id"], wanted)

    def outputs(self, configuration: Configuration) -> dict[str, str]:
        """Return the values of the outputs."""
        return dict(self._outputs(configuration))

    def _outputs(self, configuration: Configuration) -> Iterator[tuple[str, str]]:
        for name, body in configuration.outputs.items():
            output = arguments_of(body, self.states)
            yield name, output.get("value")
            if unread := output.unread():
                raise NotKnown(f"output {name}: nobody reads {unread}")

    def destroy(self) -> None:
        """Delete everything, each resource before those that it refers to."""
        while self._order:
            address = self._order[-1]
            self._types[address].delete(self.states[address])
            del self.states[self._order.pop()]
