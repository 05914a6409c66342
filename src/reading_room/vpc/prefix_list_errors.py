"""EC2's errors about prefix lists (the rest is in ``errors.py``)."""

from __future__ import annotations

from reading_room.vpc.errors import Ec2Error, InvalidParameterCombination, InvalidParameterValue, OperationNotPermitted


class BadPrefixListName(InvalidParameterValue):
    """A prefix list's name is empty, too long, or looks like one of AWS's."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "prefixListName", name[:80], "Up to 255 characters are allowed, not starting with com.amazonaws."
        )


class MaxEntriesOutOfRange(InvalidParameterValue):
    """A prefix list's size is below one or above what a list can have."""

    def __init__(self, value: int, most: int) -> None:
        super().__init__("maxEntries", value, f"Expecting a value between 1 and {most}.")


class TooManyEntries(Ec2Error):
    """A prefix list would have more entries than its size, or one call changes too many."""

    code = "PrefixListMaxEntriesExceeded"

    def __init__(self, count: int, most: int) -> None:
        super().__init__(f"You have specified {count} entries, but at most {most} are allowed.")


class EntriesAndSize(InvalidParameterCombination):
    """A call changes the entries of a prefix list and its size."""

    def __init__(self) -> None:
        super().__init__("You cannot modify the entries and the size of a prefix list at the same time")


class EntryExists(Ec2Error):
    """A network that should be added is in the prefix list, or twice in the call."""

    code = "InvalidParameterValue"

    def __init__(self, cidr: str) -> None:
        super().__init__(f"The prefix list already has an entry for {cidr}: remove it first")


class EntryMissing(Ec2Error):
    """A network that should be removed is not in the prefix list."""

    code = "InvalidParameterValue"

    def __init__(self, cidr: str) -> None:
        super().__init__(f"The prefix list has no entry for {cidr}")


class PrefixListVersionMismatch(Ec2Error):
    """The prefix list was changed since the caller looked at it."""

    code = "PrefixListVersionMismatch"

    def __init__(self, prefix_list_id: str) -> None:
        super().__init__(f"The prefix list has the incorrect version number: {prefix_list_id}")


class UnknownPrefixListVersion(InvalidParameterValue):
    """A prefix list has no such version, or has it no longer."""

    def __init__(self, prefix_list_id: str, version: int) -> None:
        super().__init__("targetVersion", version, f"{prefix_list_id} has no such version.")


class AwsPrefixList(OperationNotPermitted):
    """AWS's own prefix lists cannot be changed by customers."""

    def __init__(self, prefix_list_id: str) -> None:
        super().__init__(f"The prefix list {prefix_list_id} is managed by AWS and cannot be modified or deleted.")
