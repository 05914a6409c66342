"""The filters and the pages of Describe operations."""

from __future__ import annotations

import base64
import fnmatch
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.vpc import filters, pagination
from reading_room.vpc.errors import (
    IdsWithMaxResults,
    InvalidNextToken,
    MaxResultsOutOfRange,
    TooManyFilters,
    UnknownFilter,
)

NAMES = {"id": "Id", "flag": "Flag", "port": "Ports.From", "tag-key": ""}
VIEWS: list[dict[str, Any]] = [
    {"Id": "a-1", "Flag": True, "Ports": [{"From": 22}, {"From": 80}], "Tags": [{"Key": "Name", "Value": "web"}]},
    {"Id": "b-2", "Flag": False, "Ports": [], "Tags": [{"Key": "Team", "Value": "web"}]},
    {"Id": "c*3", "Flag": True, "Ports": [{"From": 443}], "Tags": []},
]


def ids(*wanted: tuple[str, list[str]]) -> list[str]:
    entries = [{"Name": name, "Values": values} for name, values in wanted]
    return [view["Id"] for view in filters.matching(VIEWS, entries, NAMES)]


def test_values_of_one_filter_are_alternatives_and_filters_narrow_each_other() -> None:
    assert ids(("id", ["a-1", "b-2"])) == ["a-1", "b-2"]
    assert ids(("id", ["a-1", "b-2"]), ("flag", ["true"])) == ["a-1"]
    assert ids(("id", ["nothing"])) == []
    assert ids(("id", [])) == []


def test_a_filter_looks_into_lists_and_writes_booleans_in_lower_case() -> None:
    assert ids(("port", ["80"])) == ["a-1"]
    assert ids(("flag", ["false"])) == ["b-2"]
    assert ids(("flag", ["False"])) == []


def test_wildcards_match_and_a_backslash_takes_them_literally() -> None:
    assert ids(("id", ["?-*"])) == ["a-1", "b-2"]
    assert ids(("id", [r"c\*3"])) == ["c*3"]
    assert ids(("id", [r"a\*1"])) == []


def test_a_tag_filter_looks_at_key_and_value_and_tag_key_and_tag_value_at_one_of_them() -> None:
    assert ids(("tag:Name", ["w*"])) == ["a-1"]
    assert ids(("tag-key", ["Team"])) == ["b-2"]
    assert ids(("tag-value", ["w?b"])) == ["a-1", "b-2"]
    assert ids(("tag-key", ["Name"]), ("tag-value", ["web"])) == ["a-1"]
    with pytest.raises(UnknownFilter):
        filters.check([{"Name": "tag-value", "Values": ["web"]}], {"id": "Id"})


def test_a_filter_that_the_operation_does_not_have_is_refused_by_name() -> None:
    for name in ("vpc", "", "tag:"):
        with pytest.raises(UnknownFilter, match=f"The filter '{name}' is invalid"):
            ids((name, ["x"]))
    with pytest.raises(UnknownFilter):
        filters.matching(VIEWS, [{"Name": "tag:Name", "Values": ["x"]}], {"id": "Id"})


def test_more_filters_or_values_than_ec2_accepts_are_refused() -> None:
    with pytest.raises(TooManyFilters):
        ids(*[("id", ["a"])] * 51)
    with pytest.raises(TooManyFilters):
        ids(("id", ["a"] * 201))


@given(st.text(max_size=20))
def test_every_text_matches_itself_when_its_wildcards_are_escaped(text: str) -> None:
    escaped = "".join(f"\\{character}" if character in "*?\\" else character for character in text)
    assert filters.matches(escaped, text)
    assert filters.matches("*", text)
    assert filters.matches("?" * len(text), text)


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_wildcards_match_as_in_a_shell(pattern: str, value: str) -> None:
    assert filters.matches(pattern, value) == fnmatch.fnmatchcase(value, pattern)


def test_a_pattern_with_many_wildcards_is_matched_quickly() -> None:
    assert not filters.matches("*a" * 120 + "b", "a" * 255)


PAGING = pagination.Paging("DescribeThings", "Id", least=1, ids="Ids")


@given(st.lists(st.text("abc", min_size=1, max_size=6), unique=True, max_size=30), st.integers(1, 10))
def test_pages_show_everything_once_in_order(names: list[str], size: int) -> None:
    views = [{"Id": name} for name in names]
    seen: list[str] = []
    request: dict[str, Any] = {"MaxResults": size}
    while True:
        page, token = pagination.page(views, request, PAGING)
        assert len(page) <= size
        seen.extend(view["Id"] for view in page)
        if not token:
            break
        request["NextToken"] = token["NextToken"]
    assert seen == sorted(names)


def test_a_resource_deleted_between_two_pages_hides_no_other() -> None:
    views = [{"Id": name} for name in "abcde"]
    first, token = pagination.page(views, {"MaxResults": 2}, PAGING)
    rest, _ = pagination.page([view for view in views if view["Id"] != "b"], token, PAGING)
    assert [view["Id"] for view in first + rest] == ["a", "b", "c", "d", "e"]


DEEP = base64.urlsafe_b64encode(b"[" * 200_000).decode()


@pytest.mark.parametrize(
    "token", ["garbage", "é", "bnVsbA==", "WyJEZXNjcmliZVZwY3MiLCAiYSJd", pytest.param(DEEP, id="a deep nest")]
)
def test_a_token_that_the_operation_did_not_give_is_refused(token: str) -> None:
    with pytest.raises(InvalidNextToken):
        pagination.page([], {"NextToken": token}, PAGING)


def test_page_sizes_have_bounds_and_cannot_be_combined_with_ids() -> None:
    with pytest.raises(MaxResultsOutOfRange):
        pagination.page([], {"MaxResults": 0}, PAGING)
    with pytest.raises(IdsWithMaxResults):
        pagination.page([], {"MaxResults": 5, "Ids": ["a"]}, PAGING)
