"""The ports that ``up --port 0`` chooses, and the file that says where they are."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from reading_room.cli.folder import StartError
from reading_room.cli.free_ports import chosen_ports
from reading_room.cli.ready_file import ReadyFile, read_ready
from reading_room.cli.running import endpoint_of, ready_facts
from reading_room.hosts.listen_addresses import ListenAddress, bound
from reading_room.iam.credentials_file import KeyNotWritten, write_key
from reading_room.settings import Settings
from tests.worlds.full_disk import files_of_at_most

KEY = "AKIA0000000000000001", "a secret"


def settings_in(folder: Path, **given: object) -> Settings:
    """Return settings whose data folder has a key."""
    folder.mkdir(exist_ok=True)
    write_key(folder / "credentials", "default", *KEY, "eu-west-1")
    return Settings.from_environment({}, data=folder, region="eu-west-1", **given)


def test_chosen_ports_differ_and_can_be_served(tmp_path: Path) -> None:
    given = settings_in(tmp_path, port=0)
    with chosen_ports(given, console=True) as first, chosen_ports(given, console=True) as second:
        ports = {first.port, first.console_port, second.port, second.console_port}
        assert len(ports) == 4
        for port in ports:
            with bound(ListenAddress("127.0.0.1", port, secure=False)) as served:
                served.listen()
                with socket.create_connection(("127.0.0.1", port), 5):
                    pass


@pytest.mark.parametrize(("port", "console"), [(0, False), (4999, True)])
def test_a_port_that_was_named_stays(tmp_path: Path, port: int, console: bool) -> None:
    given = settings_in(tmp_path, port=port, console_port=4998)
    with chosen_ports(given, console=console) as chosen:
        assert chosen.console_port == 4998
        assert chosen.port == port or (not port and chosen.port > 1023)


def test_only_up_can_choose_a_port(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="name the port of the running product"):
        endpoint_of(settings_in(tmp_path, port=0))


def test_the_file_says_where_and_with_which_key(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    file = ReadyFile(path)
    file.prepare()
    assert not path.exists()
    file.write(ready_facts(settings_in(tmp_path / "data", port=4999, console_port=4998)))
    assert path.stat().st_mode & 0o777 == 0o600
    found = read_ready(path)
    assert (found.endpoint_url, found.console_url) == ("http://127.0.0.1:4999", "http://127.0.0.1:4998/")
    assert (found.access_key_id, found.secret_access_key) == KEY
    assert (found.region, found.account, found.pid) == ("eu-west-1", "000000000001", os.getpid())
    assert Path(found.credentials_file).is_file()
    file.remove()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data"]


@pytest.mark.parametrize("planted", ["a link", "a pipe"])
def test_root_reads_no_key_that_the_server_could_have_led_elsewhere(tmp_path: Path, planted: str) -> None:
    """`up` reads the key as root, from a folder that belongs to the user of `serve`."""
    settings = settings_in(tmp_path / "data", port=4999)
    file = settings.data / "credentials"
    file.rename(tmp_path / "roots")
    if planted == "a link":
        file.symlink_to(tmp_path / "roots")
    else:
        os.mkfifo(file)
    with pytest.raises(StartError, match="credentials") as refusal:
        ready_facts(settings)
    assert KEY[1] not in str(refusal.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_key_of_another_user_than_the_data_folder_s_is_not_read(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "data", port=4999)
    os.chown(settings.data, 65_000, 65_000)
    with pytest.raises(StartError, match="belongs to user id 0, not 65000"):
        endpoint_of(settings)


def test_the_file_of_a_killed_run_is_removed_and_any_other_is_kept(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "data")
    stale, empty, other = tmp_path / "stale", tmp_path / "empty", tmp_path / "other"
    ReadyFile(stale).write(ready_facts(settings))
    empty.touch()
    for path in (stale, empty):
        ReadyFile(path).prepare()
        assert not path.exists()
    other.write_text("{}")
    link = tmp_path / "link"
    link.symlink_to(stale)
    for path in (other, link):
        with pytest.raises(StartError, match="is not such a file"):
            ReadyFile(path).prepare()
    assert other.read_text() == "{}"
    with pytest.raises(StartError, match="No such file or directory"):
        ReadyFile(tmp_path / "none" / "ready").prepare()


@pytest.mark.parametrize("change", [{"pid": "1"}, {"form": "another"}, {"region": None}, {"more": 1}, {"pid": True}])
def test_another_file_is_not_read(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "ready"
    ReadyFile(path).write(ready_facts(settings_in(tmp_path / "data")))
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match="is not a ready file"):
        read_ready(path)


def test_on_a_full_disk_neither_file_is_half_written(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "data", port=4999, console_port=4998)
    credentials, ready = settings.data / "credentials", tmp_path / "ready.json"
    before = credentials.read_bytes()
    with files_of_at_most(10):
        with pytest.raises(StartError) as unready:
            ReadyFile(ready).write(ready_facts(settings))
        with pytest.raises(KeyNotWritten) as unwritten:
            write_key(credentials, "000000000002", "AKIA0000000000000002", "another secret", "eu-west-1")
    assert str(unready.value) == (
        f"--ready-file {ready} cannot be written (File too large): make room there, or name another file"
    )
    assert str(unwritten.value) == f"the administrator's key cannot be written to {credentials} (File too large)"
    assert credentials.read_bytes() == before
    assert list(settings.data.iterdir()) == [credentials]
    assert list(tmp_path.iterdir()) == [settings.data]
