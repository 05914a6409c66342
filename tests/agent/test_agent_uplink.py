"""The setting of the uplink: the agent's configuration, and what keeps the product from starting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reading_room.cli.agent_config import agent_config
from reading_room.cli.folder import StartError
from reading_room.cli.slirp import Slirp
from reading_room.dataplane.rules.uplink import SLIRP, VETH, Outside
from reading_room.setting_values import SettingError
from reading_room.settings import Settings


@pytest.mark.parametrize(
    ("value", "outside", "beyond"),
    [
        ("off", None, None),
        ("slirp4netns", SLIRP, None),
        ("veth", VETH, Path(f"/proc/{os.getppid()}/ns/net")),
        ("namespace:/run/netns/internet", VETH, Path("/run/netns/internet")),
    ],
)
def test_the_setting_names_the_outside(
    tmp_path: Path, value: str, outside: Outside | None, beyond: Path | None
) -> None:
    """By default nothing does."""
    settings = Settings.from_environment({"READING_ROOM_UPLINK": value}, data=tmp_path)
    config = agent_config(settings)
    assert (config.outside, config.beyond) == (outside, beyond)
    assert Settings.from_environment({}).uplink == "off"


@pytest.mark.parametrize("value", ["on", "namespace:", "namespace:internet", ""])
def test_another_value_is_refused_and_named(value: str) -> None:
    """A namespace is named by its absolute path."""
    with pytest.raises(SettingError, match="READING_ROOM_UPLINK"):
        Settings.from_environment({"READING_ROOM_UPLINK": value})


def test_without_the_program_nothing_starts_and_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """This is better than a job that waits for an uplink in vain."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StartError, match="install the package slirp4netns"):
        Slirp(0)
