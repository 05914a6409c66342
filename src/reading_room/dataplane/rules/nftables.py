"""A ruleset of nftables as values, and their text.

Every router namespace has one table, ``inet vpc``. A ``Ruleset`` holds named sets and maps with their elements, base
chains (those with a ``hook``, which are created once and never flushed) and other chains. ``trace.py`` walks the
values, ``transactions.py`` compares them, and libnftables reads their ``text()``.

All text comes from the classes here. They accept only plain names, numbers, addresses and networks (and otherwise
raise ``ValueError``), so no value of a network spec can add a rule of its own. Names have a prefix and an underscore,
since words such as ``in`` or ``dnat`` are keywords of the language. There are no anonymous sets, because single packets
slip through when a rule with one is replaced.

The kernel's text is never read back into values. Whoever applies a ruleset remembers it with the namespace's nft
generation id; if that no longer matches, ``transactions.creation`` recreates the table.
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
    """Leave this base chain; the next hook still judges the packet."""

    def text(self) -> str:
        """Return the nft text."""
        return "accept"


@dataclass(frozen=True, slots=True)
class Drop:
    """Drop the packet silently."""

    def text(self) -> str:
        """Return the nft text."""
        return "drop"


@dataclass(frozen=True, slots=True)
class Jump:
    """Go through another chain, and come back if it does not decide."""

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


# Matches: a rule continues while they hold


@dataclass(frozen=True, slots=True)
class Equals:
    """A field has a value. For addresses the value may be a network, for ports a range."""

    field: Field
    value: str

    def text(self) -> str:
        """Return the nft text."""
        return f"{self.field} {value(TYPE_OF[self.field], self.value)}"


@dataclass(frozen=True, slots=True)
class Lookup:
    """The concatenated fields are (or are not) an element of a set."""

    fields: tuple[Field, ...]
    set_name: str
    negated: bool = False

    def text(self) -> str:
        """Return the nft text."""
        return f"{joined(self.fields)} {'!= ' if self.negated else ''}@{name(self.set_name)}"


@dataclass(frozen=True, slots=True)
class Icmp:
    """An ICMP packet, optionally of a type and a code."""

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
    """The packet has one of these conntrack states."""

    states: tuple[Literal["established", "related", "invalid"], ...]

    def text(self) -> str:
        """Return the nft text."""
        return f"ct state {','.join(self.states)}"


@dataclass(frozen=True, slots=True)
class NotTcp:
    """Any protocol except TCP."""

    def text(self) -> str:
        """Return the nft text."""
        return "meta l4proto != 6"


@dataclass(frozen=True, slots=True)
class Opening:
    """A TCP segment that opens a connection, or the answer to it."""

    def text(self) -> str:
        """Return the nft text."""
        return "tcp flags & syn == syn"


@dataclass(frozen=True, slots=True)
class NotOpening:
    """A TCP segment that does not open a connection.

    A SYN that reuses the ports of a recently closed connection may count as established, and would then pass although
    its rule was revoked. So established segments pass only if they are not a bare SYN.
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
    """The packet goes in the reply direction of its connection."""

    def text(self) -> str:
        """Return the nft text."""
        return "ct direction reply"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A fragment that is not the first one and so has no ports. Conntrack reassembles, so none should arrive."""

    def text(self) -> str:
        """Return the nft text."""
        return "ip frag-off & 0x1fff != 0"


@dataclass(frozen=True, slots=True)
class Ipv6:
    """An IPv6 packet."""

    def text(self) -> str:
        """Return the nft text."""
        return "meta nfproto ipv6"


@dataclass(frozen=True, slots=True)
class OverRate:
    """The source has sent more packets per second than allowed. A dynamic set counts them."""

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
    """The source has more tracked connections than allowed. A dynamic set counts them."""

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
    | Opening
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
    """Carry out the verdict that a map has for the fields; continue if it has none."""

    fields: tuple[Field, ...]
    map_name: str

    def text(self) -> str:
        """Return the nft text."""
        return f"{joined(self.fields)} vmap @{name(self.map_name)}"


@dataclass(frozen=True, slots=True)
class MarkFrom:
    """Set the packet's mark to a map's value for the fields; the rule ends if there is none."""

    fields: tuple[Field, ...]
    map_name: str

    def text(self) -> str:
        """Return the nft text."""
        return f"meta mark set {joined(self.fields)} map @{name(self.map_name)}"


@dataclass(frozen=True, slots=True)
class KeepMark:
    """Copy the packet's mark to the tracked connection, so that a reader knows where it was led."""

    def text(self) -> str:
        """Return the nft text."""
        return "ct mark set meta mark"


@dataclass(frozen=True, slots=True)
class KeepMarkFrom:
    """Set the mark of the tracked connection to a map's value for the fields; the rule ends if there is none."""

    fields: tuple[Field, ...]
    map_name: str

    def text(self) -> str:
        """Return the nft text."""
        return f"ct mark set {joined(self.fields)} map @{name(self.map_name)}"


@dataclass(frozen=True, slots=True)
class ClampSegments:
    """Lower the largest segment that a TCP end offers to what the packet's way out carries."""

    def text(self) -> str:
        """Return the nft text."""
        return "tcp option maxseg size set rt mtu"


@dataclass(frozen=True, slots=True)
class TranslateFrom:
    """Translate the destination to a map's address and port for the fields; the rule ends if there is none."""

    fields: tuple[Field, ...]
    map_name: str

    def text(self) -> str:
        """Return the nft text."""
        return f"dnat ip to {joined(self.fields)} map @{name(self.map_name)}"


@dataclass(frozen=True, slots=True)
class SourceFrom:
    """Translate the source to a map's address for the fields; the rule ends if there is none."""

    fields: tuple[Field, ...]
    map_name: str

    def text(self) -> str:
        """Return the nft text."""
        return f"snat ip to {joined(self.fields)} map @{name(self.map_name)}"


@dataclass(frozen=True, slots=True)
class Count:
    """Count packets and bytes, to be seen in a listing of the chain."""

    def text(self) -> str:
        """Return the nft text."""
        return "counter"


@dataclass(frozen=True, slots=True)
class Log:
    """Copy the packet to an NFLOG group, with a prefix that tells its fate (``compile/flow_logs.py``)."""

    group: int
    prefix: str
    copy_bytes: int = 64

    def text(self) -> str:
        """Return the nft text."""
        return f'log group {self.group:d} prefix "{comment(self.prefix)}" snaplen {self.copy_bytes:d}'


Statement = (
    Verdict
    | VerdictFrom
    | MarkFrom
    | KeepMark
    | KeepMarkFrom
    | ClampSegments
    | TranslateFrom
    | SourceFrom
    | Count
    | Log
)


# The contents of a table


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a set or map. ``comment`` names its origin (``sgr-…``, ``vpce-…``)."""

    key: tuple[str, ...]
    value: tuple[str, ...] | Verdict | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class NamedSet:
    """A named set, or a map if ``value`` gives the type of its values, with its elements in a stable order."""

    name: str
    key: tuple[KeyType, ...]
    elements: tuple[Element, ...] = ()
    interval: bool = False
    value: tuple[KeyType, ...] | Literal["verdict"] | None = None
    filled: Literal["rates", "counts", "lease"] | None = None
    """What fills it: rules (``OverRate``, ``OverCount``), or the agent's renewals of the host's lease. Such a set has
    no elements here and is never read back."""

    @property
    def kind(self) -> str:
        """Return ``set`` or ``map``, the word of nft's commands."""
        return "set" if self.value is None else "map"

    def declaration(self) -> str:
        """Return the command that creates the empty set."""
        kind = " . ".join(self.key)
        if self.value == "verdict":
            kind += " : verdict"
        elif self.value is not None:
            kind += " : " + " . ".join(self.value)
        parts = [f"type {kind};"]
        if self.interval:
            parts.append("flags interval;")
        if self.filled == "lease":
            parts.append("flags timeout;")
        elif self.filled:
            # A count has no timeout: it ends with the last connection that it counts.
            parts.append("flags dynamic;" + (" timeout 10s;" if self.filled == "rates" else "") + " size 65535;")
        return f"add {self.kind} {TABLE} {name(self.name)} {{ {' '.join(parts)} }}"

    def key_text(self, element: Element) -> str:
        """Return the element's key as nft text. Raises ``ValueError`` if a part is not of the key's type."""
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
    """Matches, then statements. ``comment`` names the rule's origin."""

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
    """The hook of a base chain. ``policy`` is the verdict for packets that no rule of the chain decides."""

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
        """Return the command that creates the chain, without rules."""
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
        """Return the table as commands, for people and for ``nft --check``. They are not a transaction to apply."""
        lines = [f"add table {TABLE}", *(each.declaration() for each in self.sets)]
        lines += [chain.declaration() for chain in self.chains]
        for each in self.sets:
            lines += [
                f"add element {TABLE} {each.name} {{ {each.element_text(element)} }}" for element in each.elements
            ]
        for chain in self.chains:
            lines += chain.rule_commands()
        return "\n".join(lines) + "\n"
