"""Differences between rulesets, applied by a small interpreter of the commands, give the wanted ruleset."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given

from reading_room.dataplane.rules.compile import compile_host
from reading_room.dataplane.rules.nftables import TABLE, Ruleset
from reading_room.dataplane.rules.transactions import creation, differences
from reading_room.dataplane.spec import Interface, NetworkSpec
from tests.worlds.budgets import examples
from tests.worlds.dataplane import networks, small_network

_ELEMENTS = re.compile(r"(add|delete) element inet vpc (\S+) \{ (.*) \}\Z")
_REFERENCE = re.compile(r"(?:@|jump |goto )([a-z]+_[A-Za-z0-9_-]+)")


class Table:
    """The table that nft would have after some transactions. Raises if nft would refuse one."""

    def __init__(self) -> None:
        self.exists = False
        self.sets: dict[str, dict[str, str]] = {}
        self.declared: dict[str, str] = {}
        self.chains: dict[str, list[str]] = {}
        self.hooks: dict[str, str] = {}

    def apply(self, transactions: tuple[str, ...]) -> None:
        """Apply transactions. Every name that a rule uses must exist before the rule's transaction.

        The first transaction of a new table is the exception, because its rules find nothing in empty sets either way.
        """
        for transaction in transactions:
            before = set(self.sets)
            commands = transaction.splitlines()
            anew = f"delete table {TABLE}" in commands
            for command in commands:
                self.run(command, before, anew=anew)

    def run(self, command: str, before: set[str], *, anew: bool) -> None:
        """Apply one command; ``anew`` says that its transaction creates the table."""
        if found := _ELEMENTS.match(command):
            verb, name, body = found.groups()
            for element in body.split(", "):
                key, _, value = re.sub(r' comment "[^"]*"', "", element).partition(" : ")
                if verb == "add":
                    assert key not in self.sets[name], f"{key} is there already"
                    self.check_references(value)
                    self.sets[name][key] = element
                else:
                    del self.sets[name][key]
            return
        words = command.split(" ", 5)
        match words[:2]:
            case ["add", "table"]:
                self.exists = True
            case ["delete", "table"]:
                self.__init__()  # type: ignore[misc]
            case ["add", "set" | "map"]:
                assert words[4] not in self.sets
                self.sets[words[4]], self.declared[words[4]] = {}, command
            case ["add", "chain"]:
                assert words[4] not in self.chains
                self.chains[words[4]] = []
                if len(words) > 5:
                    self.hooks[words[4]] = words[5]
            case ["add", "rule"]:
                used = set(re.findall(r"@([a-z]+_[A-Za-z0-9_-]+)", words[5]))
                together = {name for name in used - before if self.sets[name] or not anew}
                assert not together, f"{together} introduced together with its rule"
                self.check_references(words[5])
                self.chains[words[4]].append(words[5])
            case ["flush", "chain"]:
                assert words[4] not in self.hooks, "a base chain is never flushed"
                self.chains[words[4]] = []
            case ["delete", "chain"]:
                assert not self.chains.pop(words[4])
                self.check_unused(words[4])
            case ["delete", "set" | "map"]:
                del self.sets[words[4]], self.declared[words[4]]
                self.check_unused(words[4])
            case _:
                raise AssertionError(command)

    def check_references(self, text: str) -> None:
        """Check that every set and chain to which a text refers exists."""
        for name in _REFERENCE.findall(text):
            assert name in self.sets or name in self.chains, name

    def check_unused(self, name: str) -> None:
        """Check that nothing refers to a deleted set or chain."""
        rules = [rule for chain in self.chains.values() for rule in chain]
        verdicts = [element for elements in self.sets.values() for element in elements.values()]
        assert not any(name in _REFERENCE.findall(text) for text in (*rules, *verdicts)), name


def table_of(ruleset: Ruleset) -> dict[str, object]:
    """Return the contents of a table with this ruleset."""
    return {
        "sets": {
            each.name: {each.key_text(element): each.element_text(element) for element in each.elements}
            for each in ruleset.sets
        },
        "chains": {chain.name: [rule.text() for rule in chain.rules] for chain in ruleset.chains},
    }


def held(table: Table) -> dict[str, object]:
    """Return the contents of a table, in the same form."""
    return {"sets": table.sets, "chains": table.chains}


def ruleset_of(spec: NetworkSpec) -> Ruleset:
    """Return the only router's ruleset."""
    return compile_host(spec).routers[0].ruleset


@given(networks(), networks())
@examples(25)
def test_the_differences_applied_to_the_old_table_give_the_new_one(old: NetworkSpec, new: NetworkSpec) -> None:
    """For any change, no step refers to something that does not exist, and the result is the wanted ruleset."""
    before, after = ruleset_of(old), ruleset_of(new)
    table = Table()
    table.apply(creation(before))
    assert held(table) == table_of(before)
    table.apply(differences(before, after))
    assert held(table) == table_of(after)


def test_there_is_no_moment_without_a_table() -> None:
    """The transaction that deletes the old table also adds the chains that drop unknown packets."""
    first = creation(ruleset_of(small_network()))[0]
    lines = first.splitlines()
    assert lines[:3] == ["add table inet vpc", "delete table inet vpc", "add table inet vpc"]
    assert sum("policy drop" in line for line in lines) == 7
    assert not any(line.startswith("add element") for line in lines)


def test_equal_rulesets_need_no_transaction() -> None:
    """A turn with nothing to change sends nothing to the kernel."""
    assert differences(ruleset_of(small_network()), ruleset_of(small_network())) == ()


def test_attaching_one_more_interface_edits_elements_only() -> None:
    """Its groups are known, so one transaction of elements is enough, however many interfaces there are."""
    spec = small_network()
    vpc = spec.vpcs[0]
    more = Interface("eni-00009", "subnet-01", "10.0.1.9", "02:00:00:00:00:09", ("sg-0job",), "c9", logged=True)
    grown = replace(spec, vpcs=(replace(vpc, interfaces=(*vpc.interfaces, more)),))
    (transaction,) = differences(ruleset_of(spec), ruleset_of(grown))
    assert all(line.startswith("add element") for line in transaction.splitlines())


def test_a_large_change_is_split_into_transactions_that_a_user_may_send() -> None:
    """An ordinary user's netlink message holds about 4,000 elements, so ten thousand members take several."""
    spec = small_network()
    vpc = spec.vpcs[0]
    members = tuple(f"10.0.{100 + index // 250}.{index % 250}" for index in range(10_000))
    groups = (replace(vpc.groups[0], members=members), vpc.groups[1])
    transactions = differences(ruleset_of(spec), ruleset_of(replace(spec, vpcs=(replace(vpc, groups=groups),))))
    assert len(transactions) > 4
    assert max(text.count(",") for text in transactions) < 4000


def test_a_table_of_another_shape_is_recreated() -> None:
    """If the base chains differ, an update in place would leave the old ones, so the table is replaced."""
    wanted = ruleset_of(small_network())
    old = replace(wanted, chains=tuple(chain for chain in wanted.chains if chain.name != "pre_route"))
    assert differences(old, wanted) == creation(wanted)
    assert "delete table inet vpc" in creation(wanted)[0]
