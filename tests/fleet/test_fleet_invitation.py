"""What a token prints as: one word, read strictly, never shown."""

from __future__ import annotations

import pytest

from reading_room.fleet import invitation
from reading_room.fleet.errors import HostRefused, NoInvitation
from reading_room.fleet.invitation import Invitation

FINGERPRINT, SECRET = "0f" * 32, "s" * 43


@pytest.mark.parametrize("place", ["10.0.0.1:4569", "[fd00::1]:4569"])
def test_an_invitation_is_one_word_and_its_secret_is_not_shown(place: str) -> None:
    made = Invitation.to(place, FINGERPRINT, SECRET)
    assert made.place == place
    assert invitation.parse(f" {made.text}\n") == made
    assert SECRET not in repr(made)


@pytest.mark.parametrize("place", ["", "10.0.0.1", "0.0.0.0:4569", "[::]:4569", "10.0.0.256:1", "10.0.0.1:0", "host:1"])
def test_a_place_that_nobody_can_connect_to_is_refused(place: str) -> None:
    with pytest.raises(HostRefused):
        Invitation.to(place, FINGERPRINT, SECRET)
    with pytest.raises(NoInvitation):
        invitation.parse(f"reading-room-host://{place}/{FINGERPRINT}/{SECRET}")


@pytest.mark.parametrize("text", ["", "10.0.0.1:4569", f"reading-room-host://10.0.0.1:4569/{FINGERPRINT}/{SECRET}x"])
def test_what_is_no_invitation_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(NoInvitation) as caught:
        invitation.parse(text)
    assert "as `reading-room host token` prints it" in str(caught.value)
    assert SECRET not in str(caught.value)
