"""Victims of the crash tests: processes that are forked from this one, write to a store, and are killed.

Each line ``[SEED, STEPS]`` on the standard input starts a victim. It kills itself at step number ``STEPS``, in the
middle of an operation on disk or database. If ``STEPS`` is 0, it works until it is killed. Each victim prints JSON
lines that say what it is about to do and what was acknowledged. The last line is ``["over", EXIT_CODE]``.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.config import Config
from sqlalchemy import event

from tests.worlds.s3 import S3World

KEYS = tuple(f"key-{number}" for number in range(10))
SIZES = (0, 10, 5_000, 200_000, 2_000_000)
PART = 5 * 1024 * 1024
WRITE: Callable[[int, Any], int] = os.write


def say(*words: object) -> None:
    """Print a JSON line, unbuffered."""
    WRITE(1, (json.dumps(words) + "\n").encode())


class KillSwitch:
    """Counts operations on disk and database as steps, and kills this process at a given step."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.armed = False

    def step(self, phase: str, half: Callable[[], object] | None = None) -> None:
        """Count a step. At the last one, call ``half``, which does half of the operation, and kill the process."""
        if not self.armed:
            return
        self.left -= 1
        if self.left == 0:
            if half is not None:
                half()
            say("dies", phase)
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, world: S3World) -> None:
        """Count every write, sync, rename and removal of a file, and every commit, as steps."""
        fsync, rename, unlink = os.fsync, os.rename, os.unlink

        def writing(file: int, data: Any) -> int:
            self.step("before a write")
            self.step("in a write", lambda: WRITE(file, bytes(data)[: len(data) // 2]))
            done = WRITE(file, data)
            self.step("after a write")
            return done

        def around(name: str, function: Callable[..., None]) -> Callable[..., None]:
            def call(*arguments: Any, **options: Any) -> None:
                self.step(f"before {name}")
                function(*arguments, **options)
                self.step(f"after {name}")

            return call

        os.write = writing
        os.fsync = around("a sync", fsync)
        os.rename = around("a rename", rename)
        os.unlink = around("a removal", unlink)
        event.listen(world.database.engine, "commit", lambda _: self.step("before a commit"))
        world.database.on_commit(lambda _: self.step("after a commit"))


class Victim:
    """Performs random operations on the keys of a bucket. A seed determines all of them."""

    def __init__(self, folder: Path, seed: int, kill_switch: KillSwitch) -> None:
        self.world = S3World(folder, administrator=f"administrator-{seed}")
        # Without retries, the victim knows of each call whether it was acknowledged.
        self.s3 = self.world.client(config=Config(retries={"total_max_attempts": 1}))
        for bucket in ("crash", "kept"):
            if not self.world.store.bucket_exists(bucket):
                self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
        self.seed = seed
        self.dice = random.Random(seed)
        self.number = 0
        self.own: dict[str, list[tuple[str, int]]] = {}
        self.own_versions: list[tuple[str, str]] = []
        kill_switch.watch(self.world)
        kill_switch.armed = True

    def content(self, size: int) -> tuple[str, int]:
        """Return unique content of about ``size`` bytes: a text, and how often it is repeated."""
        self.number += 1
        text = f"{self.seed}-{self.number}-"
        return text, size // len(text) + 1

    def key(self) -> str:
        """Return a random key."""
        return self.dice.choice(KEYS)

    def set(self, key: str, value: list[tuple[str, int]] | None, call: Callable[[], object]) -> None:
        """Make a call that sets a key to a value, and print a line before and after it."""
        self.set_all({key: value}, call)

    def set_all(self, values: dict[str, list[tuple[str, int]] | None], call: Callable[[], object]) -> None:
        """Make a call that sets several keys, and print a line before and after it."""
        say("try", values)
        call()
        say("done", values)
        for key, value in values.items():
            self.own.pop(key, None)
            if value is not None:
                self.own[key] = value

    def put(self) -> None:
        """Write or overwrite an object."""
        key, content = self.key(), self.content(self.dice.choice(SIZES))
        self.set(key, [content], lambda: self.s3.put_object(Bucket="crash", Key=key, Body=body([content])))

    def delete(self) -> None:
        """Delete one object."""
        key = self.key()
        self.set(key, None, lambda: self.s3.delete_object(Bucket="crash", Key=key))

    def delete_many(self) -> None:
        """Delete three objects in one call."""
        keys = self.dice.sample(KEYS, 3)
        named = {"Objects": [{"Key": key} for key in keys]}
        self.set_all(dict.fromkeys(keys), lambda: self.s3.delete_objects(Bucket="crash", Delete=named))

    def copy(self) -> None:
        """Copy an object that this victim wrote to another key."""
        if not self.own:
            return self.put()
        source, key = self.dice.choice(sorted(self.own)), self.key()
        if source != key:
            where = {"Bucket": "crash", "Key": source}
            value = self.own[source]
            self.set(key, value, lambda: self.s3.copy_object(Bucket="crash", Key=key, CopySource=where))
        return None

    def multipart(self) -> None:
        """Upload in parts, some of them twice, some by copying; then complete, abort or abandon the upload."""
        names: dict[str, str] = {"Bucket": "crash", "Key": self.key()}
        names["UploadId"] = self.s3.create_multipart_upload(**names)["UploadId"]
        say("upload", names["UploadId"])
        count = self.dice.choice((1, 1, 2))
        contents, parts = [], []
        for number in range(1, count + 1):
            content, tag = self.part(names, number, PART if number < count else self.dice.choice(SIZES))
            if self.dice.random() < 0.3:
                content, tag = self.part(names, number, PART if number < count else 1000)
            contents.append(content)
            parts.append({"PartNumber": number, "ETag": tag})
        fate = self.dice.random()
        if fate < 0.15:
            return
        say("upload ends", names["UploadId"])
        if fate < 0.3:
            self.s3.abort_multipart_upload(**names)
        else:
            whole = {"Parts": parts}
            self.set(
                names["Key"],
                [each for content in contents for each in content],
                lambda: self.s3.complete_multipart_upload(**names, MultipartUpload=whole),
            )

    def part(self, names: dict[str, str], number: int, size: int) -> tuple[list[tuple[str, int]], str]:
        """Upload one part, print a line before and after it, and return its content and ETag."""
        small = [key for key, value in self.own.items() if size < PART and len(value) == 1]
        say("part try", names["UploadId"], number)
        if small and self.dice.random() < 0.4:
            source = self.dice.choice(sorted(small))
            content = self.own[source]
            where = {"Bucket": "crash", "Key": source}
            answer = self.s3.upload_part_copy(**names, PartNumber=number, CopySource=where)["CopyPartResult"]
        else:
            content = [self.content(size)]
            answer = self.s3.upload_part(**names, PartNumber=number, Body=body(content))
        say("part", names["UploadId"], number, content)
        return content, answer["ETag"]

    def put_version(self) -> None:
        """Add a version of one of two keys."""
        key, content = self.dice.choice(KEYS[:2]), self.content(self.dice.choice(SIZES))
        say("version try", key, [content])
        version = self.s3.put_object(Bucket="kept", Key=key, Body=body([content]))["VersionId"]
        say("version", key, version, [content])
        self.own_versions.append((key, version))

    def mark_deleted(self) -> None:
        """Add a delete marker."""
        key = self.dice.choice(KEYS[:2])
        say("version try", key, None)
        say("version", key, self.s3.delete_object(Bucket="kept", Key=key)["VersionId"], None)

    def delete_version(self) -> None:
        """Delete a version that this victim wrote for good."""
        if not self.own_versions:
            return self.put_version()
        key, version = self.own_versions.pop(self.dice.randrange(len(self.own_versions)))
        say("removal try", key, version)
        self.s3.delete_object(Bucket="kept", Key=key, VersionId=version)
        say("removal", key, version)
        return None

    def work(self) -> None:
        """Perform random operations until killed."""
        say("ready")
        actions = (
            *(self.put, self.put, self.put, self.delete, self.delete_many, self.copy, self.multipart),
            *(self.put_version, self.put_version, self.put_version, self.mark_deleted, self.delete_version),
        )
        while True:
            self.dice.choice(actions)()


def body(value: list[tuple[str, int]]) -> bytes:
    """Return the bytes that a value describes."""
    return b"".join(text.encode() * times for text, times in value)


def main(folder: Path) -> None:
    """Fork a victim for each line of the standard input, one after the other."""
    for line in sys.stdin:
        seed, steps = json.loads(line)
        pid = os.fork()
        if not pid:
            try:
                say("begins", os.getpid())
                Victim(folder, seed, KillSwitch(steps)).work()
            finally:
                os._exit(3)
        _, status = os.waitpid(pid, 0)
        say("over", os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
