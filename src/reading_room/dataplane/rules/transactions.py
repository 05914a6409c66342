"""Transactions of nft commands that change one ruleset into another, unnoticed by running connections.

The order follows rules that were found by measurement: an update edits elements in place, or flushes and refills a
chain that is not a base chain; a set is never created in the transaction of a rule that uses it; base chains are never
touched. Each string in the result is one transaction, the text for one call of libnftables. They are applied in order,
and each is checked. If one fails, the earlier ones have done no harm: they only added things that nothing refers to
yet, or completed whole sets and chains.

Transactions are small, because ``net.core.wmem_max`` limits an ordinary user's netlink message (212,992 bytes in
Debian).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reading_room.dataplane.rules.compile.between_hosts import LEASE, LEASE_KEY
from reading_room.dataplane.rules.nftables import (
    TABLE,
    Chain,
    Element,
    Goto,
    Jump,
    Lookup,
    NamedSet,
    OverCount,
    OverRate,
    Ruleset,
)

_BUDGET = 120_000
_RULE_COST = 700
_ELEMENT_COST = 60
_DECLARATION_COST = 250
# Bytes of netlink, estimated from the limits of an unmodified system: 300 rules or 4,000 elements.
_ELEMENTS_AT_ONCE = _BUDGET // _ELEMENT_COST


@dataclass(frozen=True, slots=True)
class _Unit:
    """Commands that must share a transaction."""

    commands: tuple[str, ...]
    cost: int


def creation(ruleset: Ruleset) -> tuple[str, ...]:
    """Return the transactions that recreate the table, whatever it was before.

    The first transaction replaces the table with base chains and empty sets, which drop every new connection. So the
    table always exists; without one, everything would pass. This is the only exception to the rule about sets and rules
    in one transaction, since the rules find nothing in an empty set either way. Established connections pass meanwhile.
    """
    skeleton = _skeleton(ruleset)
    first = [f"add table {TABLE}", f"delete table {TABLE}", f"add table {TABLE}"]
    first += [each.declaration() for each in skeleton.sets]
    first += [chain.declaration() for chain in skeleton.chains]
    first += [command for chain in skeleton.chains for command in chain.rule_commands()]
    return (_text(first), *differences(skeleton, ruleset))


def differences(old: Ruleset, new: Ruleset) -> tuple[str, ...]:
    """Return the transactions that change ``old`` into ``new``, or none if they are equal.

    If base chains or the type of a set differ (because another version of this program created them), the table is
    recreated.
    """
    if old == new:
        return ()
    old_sets = {each.name: each for each in old.sets}
    new_sets = {each.name: each for each in new.sets}
    old_chains = {chain.name: chain for chain in old.chains}
    new_chains = {chain.name: chain for chain in new.chains}
    if _skeleton(old) != _skeleton(new) or any(
        replace(old_sets[name], elements=()) != replace(new_sets[name], elements=())
        for name in old_sets.keys() & new_sets.keys()
    ):
        return creation(new)
    added_sets = [each for each in new.sets if each.name not in old_sets]
    added_chains = [chain for chain in new.chains if chain.name not in old_chains]
    gone_chains = [chain for chain in old.chains if chain.name not in new_chains]
    gone_sets = [each for each in old.sets if each.name not in new_sets]
    phases = (
        # Sets and chains that nothing refers to yet.
        [unit for each in added_sets for unit in _new_set(each)]
        + [_Unit((chain.declaration(),), _DECLARATION_COST) for chain in added_chains],
        [_refill(chain, flush=False) for chain in added_chains if chain.rules],
        # Sets and chains in use.
        [unit for each in new.sets if each.name in old_sets for unit in _edit(old_sets[each.name], each)]
        + [
            _refill(chain, flush=True)
            for chain in new.chains
            if chain.name in old_chains and chain.rules != old_chains[chain.name].rules
        ],
        # Chains and sets that nothing refers to any more. Chains refer to each other, so all are emptied first.
        [_Unit((f"flush chain {TABLE} {chain.name}",), _DECLARATION_COST) for chain in gone_chains],
        [_Unit((f"delete chain {TABLE} {chain.name}",), _DECLARATION_COST) for chain in gone_chains]
        + [_Unit((f"delete {each.kind} {TABLE} {each.name}",), _DECLARATION_COST) for each in gone_sets],
    )
    return tuple(text for phase in phases for text in _pack(phase))


def lease_transaction(seconds: int) -> str:
    """Return the transaction after which the host's lease lasts so many seconds, whether it had one or not."""
    element = f"element {TABLE} {LEASE} {{ {LEASE_KEY}"
    ended = f"add {element} timeout 1s }}\ndelete {element} }}\n"
    # A timeout of 0 would never end.
    return f"{ended}add {element} timeout {seconds:d}s }}\n" if seconds > 0 else ended


def _skeleton(ruleset: Ruleset) -> Ruleset:
    """Return the base chains, and the chains and (empty) sets that their rules refer to.

    This part never changes in a VPC's life.
    """
    base = [chain for chain in ruleset.chains if chain.hook]
    led_to = {
        statement.chain
        for chain in base
        for rule in chain.rules
        for statement in rule.statements
        if isinstance(statement, Jump | Goto)
    }
    fixed = tuple(chain for chain in ruleset.chains if chain.hook or chain.name in led_to)
    used = _sets_used(fixed)
    return Ruleset(tuple(replace(each, elements=()) for each in ruleset.sets if each.name in used), fixed)


def _sets_used(chains: Iterable[Chain]) -> set[str]:
    used: set[str] = set()
    for chain in chains:
        for rule in chain.rules:
            used.update(match.set_name for match in rule.matches if isinstance(match, Lookup | OverRate | OverCount))
            used.update(
                name for statement in rule.statements if (name := getattr(statement, "map_name", None)) is not None
            )
    return used


def _new_set(each: NamedSet) -> list[_Unit]:
    return [_Unit((each.declaration(),), _DECLARATION_COST), *_elements("add", each, each.elements)]


def _edit(old: NamedSet, new: NamedSet) -> list[_Unit]:
    """Return the changes of one set's elements: deletions first, since new elements may overlap deleted ones."""
    if old.elements == new.elements:
        return []
    before = set(old.elements)
    after = set(new.elements)
    gone = [element for element in old.elements if element not in after]
    come = [element for element in new.elements if element not in before]
    if len(gone) + len(come) <= _ELEMENTS_AT_ONCE:
        units = _elements("delete", new, gone) + _elements("add", new, come)
        return [_Unit(tuple(c for unit in units for c in unit.commands), sum(unit.cost for unit in units))]
    return _elements("delete", new, gone) + _elements("add", new, come)


def _elements(verb: str, owner: NamedSet, elements: Sequence[Element]) -> list[_Unit]:
    units = []
    for start in range(0, len(elements), _ELEMENTS_AT_ONCE):
        part = elements[start : start + _ELEMENTS_AT_ONCE]
        write = owner.element_text if verb == "add" else owner.key_text
        text = ", ".join(write(element) for element in part)
        units.append(_Unit((f"{verb} element {TABLE} {owner.name} {{ {text} }}",), _ELEMENT_COST * len(part)))
    return units


def _refill(chain: Chain, *, flush: bool) -> _Unit:
    first = (f"flush chain {TABLE} {chain.name}",) if flush else ()
    return _Unit((*first, *chain.rule_commands()), _RULE_COST * (1 + len(chain.rules)))


def _pack(units: Iterable[_Unit]) -> list[str]:
    """Join units into transactions, in order, each within the budget unless a single unit exceeds it."""
    transactions: list[str] = []
    commands: list[str] = []
    cost = 0
    for unit in units:
        if commands and cost + unit.cost > _BUDGET:
            transactions.append(_text(commands))
            commands, cost = [], 0
        commands += unit.commands
        cost += unit.cost
    if commands:
        transactions.append(_text(commands))
    return transactions


def _text(commands: Iterable[str]) -> str:
    return "\n".join(commands) + "\n"
