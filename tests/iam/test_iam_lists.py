"""Pages, tags and paths of managed policies, for arbitrary names."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.arns import iam_arn
from reading_room.iam.errors import ValidationError
from reading_room.iam.managed_policies import path_of
from reading_room.iam.pagination import page
from reading_room.iam.tags import tags_of, tags_text, with_tags, without_tags

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
tag_lists = st.lists(
    st.fixed_dictionaries({"Key": st.text("abcABC:", min_size=1, max_size=3), "Value": st.text(max_size=5)}),
    max_size=6,
    unique_by=lambda tag: tag["Key"].lower(),
).filter(lambda tags: not any(tag["Key"].lower().startswith("aws:") for tag in tags))


@given(st.sets(names), st.integers(1, 5))
def test_pages_add_up_to_the_list_and_respect_the_size(items: set[str], size: int) -> None:
    request: dict[str, object] = {"MaxItems": size}
    seen: list[str] = []
    while True:
        shown, more = page(sorted(items), request, str)
        assert len(shown) <= size
        seen.extend(shown)
        if not more["IsTruncated"]:
            break
        request["Marker"] = more["Marker"]
    assert seen == sorted(items)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), min_size=1))
def test_an_invalid_marker_raises_only_a_validation_error(marker: str) -> None:
    with contextlib.suppress(ValidationError):
        page(["a", "b"], {"Marker": marker}, str)


@pytest.mark.parametrize("marker", ["\u00e9", "YQ", "/w==", "a b"])
def test_fake_markers_are_refused(marker: str) -> None:
    with pytest.raises(ValidationError):
        page(["a"], {"Marker": marker}, str)


@given(tag_lists, tag_lists)
def test_tagging_keeps_each_key_once_with_the_newest_value(
    before: list[dict[str, str]], new: list[dict[str, str]]
) -> None:
    after = tags_of(with_tags(tags_text(before), new))
    kept = [tag for tag in before if tag["Key"].lower() not in {other["Key"].lower() for other in new}]
    assert after == [*kept, *new]
    assert tags_of(without_tags(tags_text(after), [tag["Key"].upper() for tag in new])) == kept


@given(st.lists(st.text("ab!*?/", max_size=4), max_size=3))
def test_the_path_of_an_arn_is_the_policys_path(folders: list[str]) -> None:
    path = "/" + "".join(f"{folder}/" for folder in folders)
    assert path_of(iam_arn("1" * 12, f"policy{path}Name")) == path
