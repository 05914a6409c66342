"""Settings come from the environment and are typed and validated; errors say what is wrong with a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from reading_room.setting_values import SettingError
from reading_room.settings import Settings
from reading_room.wiring.running import ServerError
from reading_room.wiring.server import run_server
from tests.worlds.databases import SEALER


def test_defaults_need_no_environment() -> None:
    settings = Settings.from_environment({})
    assert (settings.port, settings.account, settings.profile) == (4566, "000000000001", "open")
    assert settings.data.is_absolute()


def test_the_command_line_overrides_the_environment() -> None:
    environment = {"READING_ROOM_PORT": "5000", "READING_ROOM_STANDBY": "2"}
    settings = Settings.from_environment(environment, port=6000, data=Path("/x"))
    assert (settings.port, settings.standby, settings.data) == (6000, 2, Path("/x"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "many"),
        ("PORT", "70000"),
        ("PROFILE", "closed"),
        ("ACCOUNT", "12345"),
        ("CONTAINER_CPUS", "0"),
        ("JOB_SECONDS", str(32 * 86_400)),
        ("JOBS_PER_ACCOUNT", "257"),
        ("CONTAINERS_PER_JOB", "17"),
        ("CORE_OVERCOMMIT", "0"),
        ("CONTAINER_INPUT_TOPICS", "6000000000"),
        ("LOG_LEVEL", ""),
        ("CONSOLE_PORT", "65536"),
        ("CONSOLE_PORT", "-1"),
        ("TLS", "yes"),
        ("TLS_PORT", "70000"),
        ("TLS_NAMES", "one two"),
        ("TLS_NAMES", "one,"),
        ("ELASTIC_IP_POOL", "all"),
        ("ELASTIC_IP_POOL", "198.51.100.7/24"),
        ("ELASTIC_IP_POOL", "198.51.100.0/31"),
        ("ELASTIC_IP_POOL", "192.168.7.0/24"),
        ("ELASTIC_IP_POOL", "224.0.0.0/24"),
    ],
)
def test_the_error_for_an_invalid_value_names_the_setting(name: str, value: str) -> None:
    with pytest.raises(SettingError) as refused:
        Settings.from_environment({f"READING_ROOM_{name}": value})
    assert f"READING_ROOM_{name}" in str(refused.value)
    assert repr(value) in str(refused.value) or value.lstrip("0") in str(refused.value)


def test_the_server_does_not_start_if_the_elastic_ip_pool_overlaps_a_service(tmp_path: Path) -> None:
    settings = Settings.from_environment({"READING_ROOM_ELASTIC_IP_POOL": "52.216.0.0/16"}, data=tmp_path)
    with pytest.raises(ServerError, match=r"READING_ROOM_ELASTIC_IP_POOL=52\.216\.0\.0/16 overlaps 52\.216\.0\.0/15"):
        run_server(settings, SEALER, lambda: None, lambda: None)


def test_the_input_of_a_container_is_set_for_each_kind() -> None:
    given = {"READING_ROOM_CONTAINER_INPUT_KEY_PHRASES": "5", "READING_ROOM_CONTAINER_INPUT_TOPICS": "6"}
    assert Settings.from_environment(given).container_input == {"key-phrases": 5, "topics": 6}


def test_the_server_does_not_start_with_a_setting_for_an_unknown_kind(tmp_path: Path) -> None:
    settings = Settings.from_environment({"READING_ROOM_CONTAINER_INPUT_ENTITY": "5"}, data=tmp_path)
    with pytest.raises(
        ServerError, match=r"READING_ROOM_CONTAINER_INPUT_ENTITY is .* READING_ROOM_CONTAINER_INPUT_ENTITIES"
    ):
        run_server(settings, SEALER, lambda: None, lambda: None)
