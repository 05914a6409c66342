"""A ruleset of nftables as values, and their text.

One table, ``inet vpc``, in every router namespace. A ``Ruleset`` holds named sets and maps with their elements, base
chains (those with a ``hook``; made once and never flushed while the VPC lives) and other chains. The values are what
``trace.py`` walks and what ``transactions.py`` compares; ``text()`` is what libnftables reads.

All text comes from the constructors here, each of which refuses what is not a plain name, number, address or network
(``ValueError``): nothing that a wish contains can add a rule of its own. Names have a prefix and an underscore, since
words such as ``in`` or ``dnat`` are keywords of the language. There are no anonymous sets, because replacing a rule
that uses one lets single packets slip.

The kernel's text is never read back into values. Whoever applies a ruleset remembers it together with the namespace's
nft generation id; where that does not match any more, ``transactions.creation`` makes the table anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reading_room.dataplane.rules.nft_words import TYPE_OF, comment, joined, name, value
from reading_room.dataplane.rules.nft_words import Field as Field
from reading_room.dataplane.rules.nft_words import KeyType as KeyType

TABLE = "inet vpc"
"""Family and name of the only table in a router namespace."""

# Verdicts


@dataclass(frozen=True, slots=True)
class Accept:
    """End this base chain; the next hook still judges the packet."""

    def text(self) -> str:
        """Return the nft text."""
        return "accept"


@dataclass(frozen=True, slots=True)
class Drop:
    """End the packet, in silence."""

    def text(self) -> str:
        """Return the nft text."""
        return "drop"


@dataclass(frozen=True, slots=True)
class Jump:
    """Go through another chain and come back if it decides nothing."""

    chain: str

    def text(self) -> str:
        """Return the nft text."""
        return f"jump {name(self.chain)}"


@dataclass(frozen=True, slots=True)
class Goto:
    """Go through another chain instead of the rest of this one."""

    chain: str

    def text(self) -> str:
        """Return the nft text."""
        return f"goto {name(self.chain)}"


Verdict = Accept | Drop | Jump | Goto


# Matches: a rule goes on while they hold


@dataclass(frozen=True, slots=True)
class Equals:
    """A field has a value; for addresses the value may be a network, for ports a range."""

    field: Field
    value: str

    def text(self) -> str:
        """Return the nft text."""
        return f"{self.field} {value(TYPE_OF[self.field], self.value)}"


@dataclass(frozen=True, slots=True)
class Lookup:
    """The fields, joined, are (or are not) an element of a set."""

    fields: tuple[Field, ...]
    set_name: str
    negated: bool = False

    def text(self) -> str:
        """Return the nft text."""
        return f"{joined(self.fields)} {'!= ' if self.negated else ''}@{name(self.set_name)}"


@dataclass(frozen=True, slots=True)
class Icmp:
    """An ICMP packet, of a type and of a code where they are given."""

    type: int | None = None
    code: int | None = None

    def text(self) -> str:
        """Return the nft text."""
        parts = ["meta l4proto 1"]
        if self.type is not None:
            parts.append(f"icmp type {self.type:d}")
        if self.code is not None:
            parts.append(f"icmp code {self.code:d}")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class StateIn:
    """What conntrack says of the packet."""

    states: tuple[Literal["established", "related", "invalid"], ...]

    def text(self) -> str:
        """Return the nft text."""
        return f"ct state {','.join(self.states)}"


@dataclass(frozen=True, slots=True)
class NotTcp:
    """Any protocol but TCP."""

    def text(self) -> str:
        """Return the nft text."""
        return "meta l4proto != 6"


@dataclass(frozen=True, slots=True)
class NotOpening:
    """A TCP segment that does not open a connection.

    A SYN that reuses the ports of a connection closed a moment ago may count as established, and would then pass
    although its rule was revoked; so established segments pass only if they are not a bare SYN.
    """

    def text(self) -> str:
        """Return the nft text."""
        return "tcp flags & (fin|syn|rst|ack) != syn"


@dataclass(frozen=True, slots=True)
class Translated:
    """The connection's destination was translated here."""

    def text(self) -> str:
        """Return the nft text."""
        return "ct status dnat"


@dataclass(frozen=True, slots=True)
class Answering:
    """The packet goes against the direction in which its connection was opened."""

    def text(self) -> str:
        """Return the nft text."""
        return "ct direction reply"


@dataclass(frozen=True, slots=True)
class Fragment:
    """Not the first fragment of a datagram: it has no ports to look at. Conntrack reassembles, so none should come."""

    def text(self) -> str:
        """Return the nft text."""
        return "ip frag-off & 0x1fff != 0"


@dataclass(frozen=True, slots=True)
class Ipv6:
    """A packet of IPv6."""

    def text(self) -> str:
        """Return the nft text."""
        return "meta nfproto ipv6"


@dataclass(frozen=True, slots=True)
class OverRate:
    """The source has sent more packets a second than allowed; counted in a dynamic set."""

    set_name: str
    per_second: int

    def text(self) -> str:
        """Return the nft text."""
        return (
            f"update @{name(self.set_name)} "
            f"{{ ip saddr limit rate over {self.per_second:d}/second burst {self.per_second:d} packets }}"
        )


@dataclass(frozen=True, slots=True)
class OverCount:
    """The source has more tracked connections than allowed; they are counted in a dynamic set."""

    set_name: str
    most: int

    def text(self) -> str:
        """Return the nft text."""
        return f"add @{name(self.set_name)} {{ ip saddr ct count over {self.most:d} }}"


Match = (
    Equals
    | Lookup
    | Icmp
    | StateIn
    | NotTcp
    | NotOpening
    | Translated
    | Answering
    | Fragment
    | Ipv6
    | OverRate
    | OverCount
)


# Statements


@dataclass(frozen=True, slots=True)
class VerdictFrom:
    """Do what a verdict map says for the fields; go on where it says nothing."""

    fields: tuple[Field, ...]
    map_name: str

    def text(self) -> str:
        """Return the nft text."""
        return f"{joined(self.fields)} vmap @{name(self.map_name)}"


@dataclass(frozen=True, slots=True)
class MarkFrom:
    """Set the packet's mark to what a map says; the rule ends where it says nothing."""

    fields: tuple[Field, ...]
    map_name: str

    def text(self) -> str:
        """Return the nft text."""
        return f"meta mark set {joined(self.fields)} map @{name(self.map_name)}"


@dataclass(frozen=True, slots=True)
class KeepMark:
    """Give the tracked connection the packet's mark, so that whoever reads it knows where it was led."""

    def text(self) -> str:
        """Return the nft text."""
        return "ct mark set meta mark"


@dataclass(frozen=True, slots=True)
class TranslateFrom:
    """Translate the destination to the address, and port, that a map gives; the rule ends where it gives none."""

    fields: tuple[Field, ...]
    map_name: str

    def text(self) -> str:
        """Return the nft text."""
        return f"dnat ip to {joined(self.fields)} map @{name(self.map_name)}"


@dataclass(frozen=True, slots=True)
class SourceFrom:
    """Translate the source to the address that a map gives; the rule ends where it gives none."""

    fields: tuple[Field, ...]
    map_name: str

    def text(self) -> str:
        """Return the nft text."""
        return f"snat ip to {joined(self.fields)} map @{name(self.map_name)}"


@dataclass(frozen=True, slots=True)
class Count:
    """Count packets and bytes, for whoever lists the chain."""

    def text(self) -> str:
        """Return the nft text."""
        return "counter"


@dataclass(frozen=True, slots=True)
class Log:
    """Copy the packet to an NFLOG group, with a prefix that says what became of it (``compile/flow_logs.py``)."""

    group: int
    prefix: str
    copy_bytes: int = 64

    def text(self) -> str:
        """Return the nft text."""
        return f'log group {self.group:d} prefix "{comment(self.prefix)}" snaplen {self.copy_bytes:d}'


Statement = Verdict | VerdictFrom | MarkFrom | KeepMark | TranslateFrom | SourceFrom | Count | Log


# What a table holds


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a set or map. ``comment`` names what it comes from (``sgr-…``, ``vpce-…``)."""

    key: tuple[str, ...]
    value: tuple[str, ...] | Verdict | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class NamedSet:
    """A named set, or a map where ``value`` says the type of its values, with its elements in a stable order."""

    name: str
    key: tuple[KeyType, ...]
    elements: tuple[Element, ...] = ()
    interval: bool = False
    value: tuple[KeyType, ...] | Literal["verdict"] | None = None
    filled: Literal["rates", "counts"] | None = None
    """What rules fill it with (``OverRate``, ``OverCount``): it has no elements here and is never read back."""

    @property
    def kind(self) -> str:
        """Return ``set`` or ``map``, the word of nft's commands."""
        return "set" if self.value is None else "map"

    def declaration(self) -> str:
        """Return the command that makes it, empty."""
        kind = " . ".join(self.key)
        if self.value == "verdict":
            kind += " : verdict"
        elif self.value is not None:
            kind += " : " + " . ".join(self.value)
        parts = [f"type {kind};"]
        if self.interval:
            parts.append("flags interval;")
        if self.filled:
            # A count has no time to live: it ends with the last connection that it counts.
            parts.append("flags dynamic;" + (" timeout 10s;" if self.filled == "rates" else "") + " size 65535;")
        return f"add {self.kind} {TABLE} {name(self.name)} {{ {' '.join(parts)} }}"

    def key_text(self, element: Element) -> str:
        """Return the element's key as nft text. Raises ``ValueError`` for a part that is not of the key's type."""
        return " . ".join(value(kind, part) for kind, part in zip(self.key, element.key, strict=True))

    def element_text(self, element: Element) -> str:
        """Return the whole element as nft text. Raises ``ValueError`` as ``key_text`` does."""
        text = self.key_text(element)
        if element.comment:
            text += f' comment "{comment(element.comment)}"'
        if element.value is None:
            return text
        if isinstance(element.value, tuple):
            if not isinstance(self.value, tuple):
                raise ValueError(f"{self.name} does not map to {element.value!r}")
            pairs = zip(self.value, element.value, strict=True)
            return f"{text} : {' . '.join(value(kind, part) for kind, part in pairs)}"
        return f"{text} : {element.value.text()}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Matches, then statements. ``comment`` names what the rule comes from."""

    matches: tuple[Match, ...]
    statements: tuple[Statement, ...]
    comment: str = ""

    def text(self) -> str:
        """Return the rule as nft text, without its chain."""
        parts = [part.text() for part in (*self.matches, *self.statements)]
        if self.comment:
            parts.append(f'comment "{comment(self.comment)}"')
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Hook:
    """Where a base chain sits. ``policy`` is what becomes of a packet that no rule of the chain decides."""

    type: Literal["filter", "nat"]
    hook: Literal["prerouting", "input", "forward", "output", "postrouting"]
    priority: int
    policy: Literal["accept", "drop"] = "drop"

    def text(self) -> str:
        """Return the nft text."""
        return f"type {self.type} hook {self.hook} priority {self.priority:d}; policy {self.policy};"


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain and its rules; a base chain has a hook."""

    name: str
    rules: tuple[Rule, ...] = ()
    hook: Hook | None = None

    def declaration(self) -> str:
        """Return the command that makes it, without rules."""
        body = f" {{ {self.hook.text()} }}" if self.hook else ""
        return f"add chain {TABLE} {name(self.name)}{body}"

    def rule_commands(self) -> tuple[str, ...]:
        """Return the commands that add its rules, in order."""
        return tuple(f"add rule {TABLE} {name(self.name)} {rule.text()}" for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The whole table: sets and chains, each sorted by name."""

    sets: tuple[NamedSet, ...] = ()
    chains: tuple[Chain, ...] = ()

    def text(self) -> str:
        """Return the table as a list of commands, for people and for ``nft --check``; not a transaction to apply."""
        lines = [f"add table {TABLE}", *(each.declaration() for each in self.sets)]
        lines += [chain.declaration() for chain in self.chains]
        for each in self.sets:
            lines += [
                f"add element {TABLE} {each.name} {{ {each.element_text(element)} }}" for element in each.elements
            ]
        for chain in self.chains:
            lines += chain.rule_commands()
        return "\n".join(lines) + "\n"
