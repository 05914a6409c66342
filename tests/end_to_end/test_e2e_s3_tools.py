"""Popular S3 tools with the running product: syncing folders both ways, large files, copies, moves and deletions."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from boto3.s3.transfer import TransferConfig

from reading_room.cli import reading
from tests.worlds.tools import BIG, NAMES, Tool, contents, install, make_tree

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

ODD = NAMES[0]
MOVED = "moved/100% of +.txt"


@pytest.fixture(scope="module")
def programs() -> Path:
    """Install the tools and return their folder."""
    return install()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of files to upload and download."""
    return make_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture
def bucket(account: reading.Account) -> Iterator[str]:
    """Yield the name of a bucket, and delete it with its objects afterwards unless the tool already has."""
    name = f"tools-{secrets.token_hex(6)}"
    yield name
    if name in {found["Name"] for found in account.s3.list_buckets()["Buckets"]}:
        for key in keys(account, name):
            account.s3.delete_object(Bucket=name, Key=key)
        account.s3.delete_bucket(Bucket=name)


@pytest.fixture
def environment(account: reading.Account, tmp_path: Path) -> dict[str, str]:
    """Return environment variables for a tool: the administrator's key, and no settings of the user."""
    endpoint = account.endpoint
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "TMPDIR")}
    return kept | {
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": endpoint.access_key_id,
        "AWS_SECRET_ACCESS_KEY": endpoint.secret_access_key,
        "AWS_DEFAULT_REGION": endpoint.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def keys(account: reading.Account, bucket: str) -> list[str]:
    """Return the keys of a bucket."""
    pages = account.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def exists(account: reading.Account, bucket: str) -> bool:
    """Return whether a bucket exists."""
    return bucket in {found["Name"] for found in account.s3.list_buckets()["Buckets"]}


def test_aws_cli_1_syncs_a_folder_there_and_back(
    programs: Path, environment: dict[str, str], account: reading.Account, bucket: str,
    tree: Path, tmp_path: Path,
) -> None:  # fmt: skip
    aws = Tool([str(programs / "aws"), "--endpoint-url", account.endpoint.url], environment)
    assert aws("--version").startswith("aws-cli/1.")
    aws("s3", "mb", f"s3://{bucket}")
    aws("s3", "sync", tree, f"s3://{bucket}/tree", "--no-progress")
    aws("s3", "sync", f"s3://{bucket}/tree", tmp_path / "back", "--no-progress")
    assert contents(tmp_path / "back") == contents(tree)
    assert "upload" not in aws("s3", "sync", tree, f"s3://{bucket}/tree", "--no-progress", "--size-only")
    (tmp_path / "back" / "empty").unlink()
    aws("s3", "sync", tmp_path / "back", f"s3://{bucket}/tree", "--delete", "--no-progress", "--size-only")
    aws("s3", "mv", f"s3://{bucket}/tree/{ODD}", f"s3://{bucket}/{MOVED}")
    aws("s3", "cp", f"s3://{bucket}/tree/big.bin", f"s3://{bucket}/copy.bin", "--no-progress")
    expected = {f"tree/{name}" for name in contents(tree)} - {f"tree/{ODD}", "tree/empty"} | {MOVED, "copy.bin"}
    assert set(keys(account, bucket)) == expected
    assert str(BIG) in aws("s3", "ls", "--recursive", f"s3://{bucket}")
    aws("s3", "rb", "--force", f"s3://{bucket}")
    assert not exists(account, bucket)


def test_s3cmd_syncs_a_folder_there_and_back(
    programs: Path, environment: dict[str, str], account: reading.Account, bucket: str,
    tree: Path, tmp_path: Path,
) -> None:  # fmt: skip
    host = account.endpoint.url.removeprefix("http://")
    configuration = tmp_path / "s3cfg"
    configuration.write_text(
        f"[default]\nhost_base = {host}\nhost_bucket = {host}/%(bucket)\nuse_https = False\n"
        f"bucket_location = {account.endpoint.region}\n"
    )
    s3cmd = Tool([str(programs / "python"), str(programs / "s3cmd"), "-c", str(configuration)], environment)
    s3cmd("mb", f"s3://{bucket}")
    s3cmd("sync", "--multipart-chunk-size-mb=5", f"{tree}/", f"s3://{bucket}/tree/")
    back = tmp_path / "back"
    back.mkdir()
    s3cmd("sync", f"s3://{bucket}/tree/", f"{back}/")
    assert contents(back) == contents(tree)
    s3cmd("mv", f"s3://{bucket}/tree/{ODD}", f"s3://{bucket}/{MOVED}")
    s3cmd("cp", f"s3://{bucket}/tree/big.bin", f"s3://{bucket}/copy.bin")
    (back / "empty").unlink()
    s3cmd("sync", "--delete-removed", f"{back}/", f"s3://{bucket}/tree/")
    expected = {f"tree/{name}" for name in contents(tree)} - {"tree/empty"} | {MOVED, "copy.bin"}
    assert set(keys(account, bucket)) == expected
    assert "big.bin" in s3cmd("ls", "-r", f"s3://{bucket}")
    refused = s3cmd("setacl", "--acl-public", f"s3://{bucket}/copy.bin", fails=True)
    assert "AccessControlListNotSupported" in refused
    s3cmd("del", "-r", "--force", f"s3://{bucket}")
    s3cmd("rb", f"s3://{bucket}")
    assert not exists(account, bucket)


def test_rclone_syncs_a_folder_there_and_back(
    programs: Path, environment: dict[str, str], account: reading.Account, bucket: str,
    tree: Path, tmp_path: Path,
) -> None:  # fmt: skip
    configuration = tmp_path / "rclone.conf"
    configuration.write_text(
        f"[room]\ntype = s3\nprovider = Other\nenv_auth = true\nendpoint = {account.endpoint.url}\n"
        f"region = {account.endpoint.region}\nforce_path_style = true\nchunk_size = 5Mi\nupload_cutoff = 8Mi\n"
    )
    rclone = Tool([str(programs / "rclone"), "--config", str(configuration), "--retries", "1"], environment)
    rclone("mkdir", f"room:{bucket}")
    rclone("sync", tree, f"room:{bucket}/tree")
    assert "0 differences found" in rclone("check", "--download", tree, f"room:{bucket}/tree")
    rclone("sync", f"room:{bucket}/tree", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(tree)
    rclone("moveto", f"room:{bucket}/tree/{ODD}", f"room:{bucket}/{MOVED}")
    rclone("copyto", f"room:{bucket}/tree/big.bin", f"room:{bucket}/copy.bin")
    rclone("deletefile", f"room:{bucket}/tree/empty")
    expected = {f"tree/{name}" for name in contents(tree)} - {f"tree/{ODD}", "tree/empty"} | {MOVED, "copy.bin"}
    assert set(keys(account, bucket)) == expected
    listed = json.loads(rclone("lsjson", "-R", "--files-only", f"room:{bucket}"))
    assert {entry["Path"] for entry in listed} == expected
    rclone("purge", f"room:{bucket}")
    assert not exists(account, bucket)


S3FS = """
import os, sys
import s3fs

url, bucket, tree, back, odd, moved = sys.argv[1:]
# The region is in the environment. As an argument, it would become a location constraint, which us-east-1 refuses.
fs = s3fs.S3FileSystem(endpoint_url=url)
fs.mkdir(bucket)
fs.put(tree + "/", f"{bucket}/tree", recursive=True)
fs.get(f"{bucket}/tree/", back, recursive=True)
fs.mv(f"{bucket}/tree/{odd}", f"{bucket}/{moved}")
fs.copy(f"{bucket}/tree/big.bin", f"{bucket}/copy.bin")
with fs.open(f"{bucket}/written", "wb", block_size=5 * 2**20) as file:
    for number in range(12):
        file.write(bytes([number]) * 2**20)
with fs.open(f"{bucket}/written", "rb") as file:
    file.seek(5 * 2**20)
    assert file.read(3) == bytes([5]) * 3
fs.put_tags(f"{bucket}/written", {"a": "1"})
assert fs.get_tags(f"{bucket}/written") == {"a": "1"}
fs.setxattr(f"{bucket}/written", colour="blue")
assert fs.getxattr(f"{bucket}/written", "colour") == "blue"
assert fs.du(f"{bucket}/copy.bin") == os.path.getsize(f"{tree}/big.bin")
fs.rm(f"{bucket}/tree/empty")
print("\\n".join(fs.find(bucket)))
fs.rm(bucket, recursive=True)
assert not fs.exists(bucket)
"""


def test_s3fs_is_a_file_system(
    programs: Path, environment: dict[str, str], account: reading.Account, bucket: str,
    tree: Path, tmp_path: Path,
) -> None:  # fmt: skip
    script = tmp_path / "script.py"
    script.write_text(S3FS)
    python = Tool([str(programs / "python"), str(script)], environment)
    found = python(account.endpoint.url, bucket, tree, tmp_path / "back", ODD, MOVED)
    assert contents(tmp_path / "back") == contents(tree)
    expected = {f"tree/{name}" for name in contents(tree)} - {f"tree/{ODD}", "tree/empty"}
    assert {line for line in found.splitlines() if line.startswith(bucket)} == {
        f"{bucket}/{key}" for key in expected | {MOVED, "copy.bin", "written"}
    }
    assert not exists(account, bucket)


def test_the_transfer_manager_sends_and_fetches_in_parts(
    account: reading.Account, bucket: str, tree: Path, tmp_path: Path
) -> None:
    s3 = account.s3
    s3.create_bucket(Bucket=bucket)
    parts = TransferConfig(multipart_threshold=6 * 2**20, multipart_chunksize=5 * 2**20, max_concurrency=4)
    for name in contents(tree):
        s3.upload_file(str(tree / name), bucket, name, Config=parts, ExtraArgs={"Tagging": "from=tree"})
    for name, content in contents(tree).items():
        path = tmp_path / "fetched"
        s3.download_file(bucket, name, str(path), Config=parts)
        assert path.read_bytes() == content
    assert s3.head_object(Bucket=bucket, Key="big.bin", PartNumber=1)["PartsCount"] == 4
    s3.copy({"Bucket": bucket, "Key": "big.bin"}, bucket, "copy.bin", Config=parts)
    assert s3.get_object(Bucket=bucket, Key="copy.bin")["Body"].read() == (tree / "big.bin").read_bytes()
    assert s3.get_object_tagging(Bucket=bucket, Key="big.bin")["TagSet"] == [{"Key": "from", "Value": "tree"}]
