"""Which folders are claimed as data folders, how they change, and that nothing in one leads root elsewhere."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import stat
import threading
from pathlib import Path

import pytest

from reading_room import versions
from reading_room.agent import holder as holders
from reading_room.cli.claiming import check_folder, claim
from reading_room.cli.folder import StartError, only_one
from reading_room.installation import Installation, installation
from reading_room.settings import Settings
from reading_room.upgrades import backups

ROOT = os.geteuid() == 0
SERVICE = 61_234
OWNER = SERVICE if ROOT else os.geteuid()
as_root = pytest.mark.skipif(not ROOT, reason="an ordinary user owns everything alike")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", state=tmp_path / "state", service_uid=SERVICE)


def facts(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return mode, owner and size of everything below a folder, by path; links are not followed."""
    found = {path: path.lstat() for path in (folder, *folder.rglob("*"))}
    return {str(path): (each.st_mode, each.st_uid, each.st_size) for path, each in found.items()}


def refusal(settings: Settings) -> str:
    """Return why a folder is refused, by the check and by the claim, neither of which changes anything."""
    before = facts(settings.data.parent)
    said = set()
    for step in (check_folder, claim):
        with pytest.raises(StartError) as refused:
            step(settings)
        said.add(str(refused.value))
    assert facts(settings.data.parent) == before
    (text,) = said
    return text


def earlier(settings: Settings) -> Path:
    """Make a data folder like that of a version without installations; return the agent's part."""
    own = settings.data / "agent"
    (own / "containers").mkdir(parents=True)
    own.chmod(0o700)
    (settings.data / "db.sqlite").write_bytes(b"")
    (settings.data / "lock").write_text("1\n")
    (own / "holder.json").write_text(json.dumps({"pid": 1, "start_time": 5, "rootless": False}))
    if ROOT:
        for path in (settings.data, settings.data / "db.sqlite", settings.data / "lock"):
            os.chown(path, OWNER, OWNER)
    return own


def test_a_new_or_empty_folder_is_claimed_and_closed_to_others(settings: Settings) -> None:
    for _ in ("new", "known, and empty"):
        check_folder(settings)
        place = claim(settings)
        found = settings.data.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o700, OWNER)
        assert place == installation(settings.data, settings.state)
        assert stat.S_IMODE(place.folder.stat().st_mode) == 0o711
        assert stat.S_IMODE(place.agent.stat().st_mode) == 0o700
        assert place.agent.stat().st_uid == place.folder.stat().st_uid == os.geteuid()


def test_an_installation_of_an_earlier_version_is_backed_up_before_this_one_uses_it(settings: Settings) -> None:
    place = claim(settings)
    assert backups(place.folder) == []
    place.root_key.write_text("the key\n")
    (place.agent / "holder.json").write_text("{}")
    for left in (place.socket, place.lock, place.agent / "messages"):
        left.write_bytes(bytes(100_000))
    (place.folder / versions.FILE).unlink()  # As the version before the first that recorded it left the folder.
    claim(settings)
    claim(settings)
    (backup,) = backups(place.folder)
    assert backup.path.name.endswith(f"-from-earlier-to-{versions.VERSION}")
    copied = {str(path.relative_to(backup.path)): path for path in backup.path.rglob("*") if path.is_file()}
    assert copied.keys() - {"user-ids.json"} == {"installation.json", "root.key", "agent/holder.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in copied.values()} == {0o600}
    assert copied["root.key"].read_text() == "the key\n"


def test_an_installation_of_a_newer_version_is_refused_and_stays_as_it_is(settings: Settings) -> None:
    place = claim(settings)
    versions.write(place.folder, versions.Versions("99.0.0", {"agent": 2}))
    before = facts(settings.data.parent)
    with pytest.raises(StartError, match=r"version 99\.0\.0 and has agent in newer formats, .* run version 99\.0\.0"):
        claim(settings)
    assert facts(settings.data.parent) == before


def test_a_check_creates_nothing(settings: Settings) -> None:
    check_folder(settings)
    assert not settings.data.exists()
    assert not settings.state.exists()


def test_a_known_folder_is_claimed_and_its_content_stays_unchanged(settings: Settings) -> None:
    claim(settings)
    (settings.data / "db.sqlite").write_bytes(b"rows")
    (settings.data / "log").symlink_to("/etc/passwd")
    before = facts(settings.data)
    passwd = facts(Path("/etc/passwd"))
    claim(settings)
    assert facts(settings.data) == before
    assert facts(Path("/etc/passwd")) == passwd


@as_root
def test_another_users_tree_is_refused_and_stays_unchanged(settings: Settings) -> None:
    (settings.data / "letters").mkdir(parents=True)
    (settings.data / "letters" / "a.txt").write_text("x")
    for path in (settings.data, settings.data / "letters"):
        os.chown(path, 1234, 1234)
    said = refusal(settings)
    assert f"{settings.data} holds other files and is not a data folder" in said
    assert f"--data, for example {settings.data}/reading-room" in said


def test_a_shared_folder_with_other_files_is_refused(settings: Settings) -> None:
    settings.data.mkdir()
    (settings.data / "letter.txt").write_text("x")
    settings.data.chmod(0o1777)
    assert "choose a separate folder with --data" in refusal(settings)


@as_root
def test_a_folder_with_the_names_of_an_installation_is_not_one(settings: Settings) -> None:
    """The owner of a folder can create a file with any name in it, and a folder called agent."""
    (settings.data / "agent").mkdir(parents=True)
    (settings.data / "db.sqlite").write_bytes(b"")
    for path in (settings.data, settings.data / "agent", settings.data / "db.sqlite"):
        os.chown(path, 1234, 1234)
    assert "holds other files" in refusal(settings)


@as_root
def test_the_agents_files_in_an_earlier_versions_folder_are_taken_over_once(settings: Settings) -> None:
    own = earlier(settings)
    place = claim(settings)
    assert not own.exists()
    assert holders.recorded(place.agent) == holders.Holder(1, 5)
    assert (place.agent / "containers").is_dir()
    # A folder that the server makes there later stays.
    own.mkdir()
    (own / "holder.json").write_text(json.dumps({"pid": 7, "start_time": 7, "rootless": False}))
    assert holders.recorded(claim(settings).agent) == holders.Holder(1, 5)


@as_root
def test_an_agents_folder_that_root_does_not_own_is_never_taken_over(settings: Settings) -> None:
    own = earlier(settings)
    os.chown(own, SERVICE, SERVICE)
    place = claim(settings)
    assert (own / "holder.json").exists()
    assert list(place.agent.iterdir()) == []
    own.rename(settings.data / "elsewhere")
    own.symlink_to("/root")
    assert claim(settings) == place
    assert own.is_symlink()


@as_root
def test_a_copied_data_folder_is_claimed_if_the_server_owns_it(settings: Settings) -> None:
    settings.data.mkdir(mode=0o700)
    (settings.data / "db.sqlite").write_bytes(b"rows")
    assert f"chown -R {SERVICE}:{SERVICE} {settings.data}" in refusal(settings)
    for path in (settings.data, settings.data / "db.sqlite"):
        os.chown(path, SERVICE, SERVICE)
    before = facts(settings.data)
    claim(settings)
    assert facts(settings.data) == before


@as_root
def test_data_of_another_user_id_are_refused_with_that_id(settings: Settings) -> None:
    claim(settings)
    (settings.data / "db.sqlite").write_bytes(b"")
    other = dataclasses.replace(settings, service_uid=SERVICE + 1)
    assert f"READING_ROOM_SERVICE_UID={SERVICE}" in refusal(other)


@as_root
def test_a_folder_that_now_belongs_to_somebody_else_is_not_known(settings: Settings) -> None:
    claim(settings)
    (settings.data / "db.sqlite").write_bytes(b"")
    os.chown(settings.data, 1234, 1234)
    assert "holds other files" in refusal(settings)


@as_root
@pytest.mark.parametrize("change", [lambda path: path.chmod(0o777), lambda path: os.chown(path, 1234, 1234)])
def test_a_state_folder_that_others_could_fill_is_refused(settings: Settings, change: object) -> None:
    settings.state.mkdir()
    assert callable(change)
    change(settings.state)
    with pytest.raises(StartError, match="choose another folder with READING_ROOM_STATE"):
        claim(settings)
    assert not list(settings.state.iterdir())


def test_an_installation_is_found_again_when_its_device_has_another_number(settings: Settings) -> None:
    place = claim(settings)
    (place.agent / "mark").touch()
    (settings.data / "db.sqlite").write_bytes(b"")
    members = json.loads(place.record.read_text())
    moved = Installation(settings.state / f"{members['device'] + 1:x}-{members['inode']:x}")
    place.record.write_text(json.dumps(members | {"device": members["device"] + 1}))
    place.folder.rename(moved.folder)
    check_folder(settings)
    assert claim(settings) == place
    assert (place.agent / "mark").exists()
    assert json.loads(place.record.read_text()) == members


def test_a_record_that_cannot_be_read_stops_the_start_with_its_path(settings: Settings) -> None:
    place = claim(settings)
    place.record.write_text("{")
    with pytest.raises(StartError, match=r"installation\.json cannot be read"):
        claim(settings)


def test_other_files_among_the_installations_do_not_prevent_a_start(settings: Settings) -> None:
    claim(settings)
    broken = Installation(settings.state / "fe00-1")
    broken.folder.mkdir()
    broken.record.write_text("{")
    (settings.state / "a-file").touch()
    data = settings.data.parent / "other"
    other = dataclasses.replace(settings, data=data, service_uid=1234, container_uid_first=100_000)
    check_folder(other)
    assert claim(other).record.exists()


def described(settings: Settings, name: str) -> Settings:
    """Return the settings that another data folder gets if no user id is set."""
    data = settings.data.parent / name
    return Settings.from_environment({}, data=data, state=settings.state)


def user_ids(settings: Settings) -> tuple[int, range]:
    """Return the server's user id and those of containers."""
    first = settings.container_uid_first
    return settings.service_uid, range(first, first + settings.container_uid_count)


@as_root
def test_each_installation_has_its_own_user_ids_and_keeps_them(settings: Settings) -> None:
    taken: set[int] = set()
    for name in ("one", "two", "three"):
        made = described(settings, name)
        claim(made)
        service, containers = user_ids(made)
        own = {service, *containers}
        assert len(own) == 601
        assert not own & taken
        assert made.data.stat().st_uid == service
        taken |= own
    assert {60_578, *range(60_579, 61_179)} < taken
    for name in ("three", "one"):
        again = described(settings, name)
        assert again.data.stat().st_uid == again.service_uid
        assert claim(again) == installation(again.data, again.state)


@as_root
def test_user_ids_that_another_installation_has_are_refused_to_a_new_one(settings: Settings) -> None:
    claim(settings)
    other = dataclasses.replace(settings, data=settings.data.parent / "other")
    for same in (other, dataclasses.replace(other, service_uid=1234), dataclasses.replace(other, service_uid=60_600)):
        with pytest.raises(StartError, match=f"the installation of {settings.data} has user id {SERVICE}"):
            check_folder(same)
        other.data.mkdir()
        assert "choose others with READING_ROOM_SERVICE_UID" in refusal(same)
        other.data.rmdir()
    claim(dataclasses.replace(other, service_uid=1234, container_uid_first=100_000))


@as_root
def test_installations_that_share_user_ids_since_an_earlier_version_keep_them(settings: Settings) -> None:
    places = []
    for name in ("one", "two"):
        old = described(settings, name)
        claim(old).ids.unlink()
        place = installation(old.data, old.state)
        place.record.write_text(json.dumps(json.loads(place.record.read_text()) | {"owner": 60_578}))
        os.chown(old.data, 60_578, 60_578)
        places.append(place)
    for name, place in zip(("one", "two"), places, strict=True):
        again = described(settings, name)
        assert user_ids(again) == (60_578, range(60_579, 61_179))
        assert claim(again) == place
        assert json.loads(place.ids.read_text()) == {"service": 60_578, "first": 60_579, "count": 600}
    assert not {60_578, *range(60_579, 61_179)} & {described(settings, "new").service_uid}


@as_root
def test_the_user_ids_of_a_deleted_data_folder_are_free_again(settings: Settings) -> None:
    first = described(settings, "one")
    claim(first)
    first.data.rmdir()
    assert user_ids(described(settings, "two")) == user_ids(first)


@as_root
def test_restored_data_keep_their_user_id(settings: Settings) -> None:
    claim(described(settings, "one"))
    second = described(settings, "two")
    claim(second)
    (second.data / "db.sqlite").write_bytes(b"rows")
    restored = settings.data.parent / "restored"
    second.data.rename(restored)
    restored.rename(settings.data.parent / "moved")
    (settings.data.parent / "copy").mkdir()
    os.chown(settings.data.parent / "copy", second.service_uid, second.service_uid)
    (settings.data.parent / "copy" / "db.sqlite").write_bytes(b"rows")
    copy = described(settings, "copy")
    assert copy.service_uid == second.service_uid
    claim(copy)
    assert described(settings, "copy") == copy


@as_root
def test_user_ids_that_cannot_be_read_stop_the_start_with_their_path(settings: Settings) -> None:
    place = claim(settings)
    place.ids.write_text('{"service": "root", "first": 1, "count": 2}')
    with pytest.raises(StartError, match=r"user-ids\.json cannot be read"):
        claim(settings)


def test_only_one_process_at_a_time_uses_a_folder(settings: Settings) -> None:
    place = claim(settings)
    second = only_one(place, settings.data)
    with only_one(place, settings.data), pytest.raises(StartError, match=f"in use by process {os.getpid()}"):
        second.__enter__()
    assert not (settings.data / "lock").exists()


def test_processes_that_a_killed_one_left_are_awaited(settings: Settings) -> None:
    place = claim(settings)
    with place.lock.open("w") as left:
        # The number of no process, since it is higher than the highest one.
        left.write("4194305\n")
        left.flush()
        fcntl.flock(left, fcntl.LOCK_EX)
        ending = threading.Timer(0.1, fcntl.flock, (left, fcntl.LOCK_UN))
        ending.start()
        with only_one(place, settings.data):
            ending.join()
        fcntl.flock(left, fcntl.LOCK_EX)
        place.lock.write_text("4194305\n")
        with pytest.raises(StartError, match="processes that 4194305 started before it was killed"):
            only_one(place, settings.data, patience=0).__enter__()


def test_a_folder_that_an_earlier_version_uses_is_refused(settings: Settings) -> None:
    earlier(settings)
    with (settings.data / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StartError, match="in use by an earlier version"):
            claim(settings)
        assert claim(settings, joining=True).agent.is_dir()


def test_an_earlier_installation_gets_the_folder_of_the_agents_socket(settings: Settings) -> None:
    place = claim(settings)
    place.socket.parent.rmdir()
    assert claim(settings, joining=True) == place
    assert place.socket.parent.is_dir()
    assert list(place.socket.parent.iterdir()) == []
