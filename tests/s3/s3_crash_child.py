"""The victim of the crash test: puts, replaces, deletes and uploads in parts until it is killed.

Before each call it prints what it is about to do, and after it that it was acknowledged; one JSON list a line.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))

from s3_world import S3World


def say(*words: object) -> None:
    """Print one line at once."""
    os.write(1, (json.dumps(words) + "\n").encode())


def main(folder: Path, seed: int) -> None:
    """Work until killed."""
    world = S3World(folder, administrator=f"administrator-{seed}")
    dice = random.Random(seed)
    if not world.store.bucket_exists("crash"):
        world.s3.create_bucket(Bucket="crash")
    say("ready")
    number = 0
    while True:
        number += 1
        key = f"key-{dice.randrange(12)}"
        size = dice.choice([0, 10, 5_000, 200_000, 2_000_000])
        text = f"{seed}-{number}-"
        match dice.randrange(4):
            case 0:
                say("try", key, None, 0)
                world.s3.delete_object(Bucket="crash", Key=key)
                say("done", key, None, 0)
            case 1:
                say("try", key, text, 2)
                names = {"Bucket": "crash", "Key": key}
                names["UploadId"] = world.s3.create_multipart_upload(**names)["UploadId"]
                tag = world.s3.upload_part(**names, PartNumber=1, Body=text.encode() * 2)["ETag"]
                parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
                world.s3.complete_multipart_upload(**names, MultipartUpload=parts)
                say("done", key, text, 2)
            case _:
                times = size // len(text) + 1
                say("try", key, text, times)
                world.s3.put_object(Bucket="crash", Key=key, Body=text.encode() * times)
                say("done", key, text, times)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
