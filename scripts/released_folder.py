"""A data folder of a released version, made with that version's own code: ``released_folder.py COMMIT ARCHIVE``.

It runs the product of a commit in a copy of this environment, uses it with boto3, and packs what is left: the data
folder and the root key. Tests open the archives with the newest version (``tests/database/test_released_folders.py``).
As it needs namespaces and a training, it takes a minute or two, and is run once for each release.
"""

from __future__ import annotations

import argparse
import configparser
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from reading_room.client import connect
from unpack import unpack

ROOT = Path(__file__).resolve().parents[1]
GIT = shutil.which("git") or "git"
MOST_BYTES = 300_000
REGION, PORT = "us-east-1", 18_566
SECONDS = 600.0
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "comprehend.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
LABELS = {"billing": "The invoice of {} is wrong.", "delivery": "My parcel {} has not arrived yet."}


def main() -> int:
    """Make the archive of a commit; return 1 if it is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("archive", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # nosec B108 # a new folder in it
        work = Path(folder)
        work.chmod(0o755)
        python = copy_of_environment(work, options.commit)
        use(work, python)
        pack(work, options.archive)
    size = options.archive.stat().st_size
    sys.stdout.write(f"{options.archive}: {size:,} bytes\n")
    return int(size > MOST_BYTES)


def copy_of_environment(work: Path, commit: str) -> Path:
    """Return the Python of an environment with the source of a commit, and the packages of this one."""
    source = subprocess.run([GIT, "archive", commit, "src"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(source)) as tar:
        unpack(tar, work)
    # Containers are started in isolated mode, so they find the source by the environment only.
    shutil.copytree(sys.prefix, work / "venv", symlinks=True, copy_function=os.link)
    for path in (work / "venv").glob("lib/python*/site-packages/*reading_room*.pth"):
        if path.read_text().strip() == str(ROOT / "src"):  # The weights stay those of this environment.
            path.unlink()
            path.write_text(f"{work / 'src'}\n")
    return work / "venv/bin/python"


def use(work: Path, python: Path) -> None:
    """Start the product, use it, and end it."""
    variables = {"STATE": str(work / "state"), "STANDBY": "0", "CONTAINERS_PER_JOB": "1"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("READING_ROOM_")}
    environment |= {f"READING_ROOM_{name}": value for name, value in variables.items()}
    argv = [str(python), "-m", "reading_room", "up", "--data", str(work / "data")]
    argv += ["--port", str(PORT), "--console-port", "0"]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            if not process.stdout.readline().startswith("ready "):
                raise SystemExit("the product did not start")
            fill(work / "data")
        finally:
            process.send_signal(signal.SIGTERM)


def fill(data: Path) -> None:
    """Make what tests look for: users, objects, a network, a job, a trained model, flow logs."""
    keys = configparser.ConfigParser(interpolation=None)
    keys.read(data / "credentials")
    key = keys["default"]

    def client(service: str) -> Any:
        return connect(
            service,
            f"http://127.0.0.1:{PORT}",
            region=REGION,
            access_key_id=key["aws_access_key_id"],
            secret_access_key=key["aws_secret_access_key"],
        )

    s3, ec2, iam, comprehend = (client(name) for name in ("s3", "ec2", "iam", "comprehend"))
    s3.create_bucket(Bucket="released")
    s3.put_object(Bucket="released", Key="in/a.txt", Body=b"Marie Curie moved to Paris.\n", Metadata={"by": "release"})
    rows = "".join(f'{label},"{text.format(n)}"\n' for n in range(15) for label, text in LABELS.items())
    s3.put_object(Bucket="released", Key="large", Body=b"Marie Curie. " * 10_000)
    s3.put_object(Bucket="released", Key="rows.csv", Body=rows.encode())
    iam.create_user(UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="all", PolicyDocument=json.dumps(POLICY))
    made = iam.create_access_key(UserName="ann")["AccessKey"]
    s3.put_object(Bucket="released", Key="ann", Body=f"{made['AccessKeyId']} {made['SecretAccessKey']}".encode())
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="reader", PolicyName="all", PolicyDocument=json.dumps(POLICY))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[table["RouteTableId"]])
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    network = {"Subnets": [subnet], "SecurityGroupIds": [group["GroupId"]]}
    common = {"DataAccessRoleArn": role, "VpcConfig": network}
    job = comprehend.start_entities_detection_job(
        InputDataConfig={"S3Uri": "s3://released/in/"},
        OutputDataConfig={"S3Uri": "s3://released/out/"},
        LanguageCode="en",
        JobName="released",
        **common,
    )["JobId"]
    arn = comprehend.create_document_classifier(
        DocumentClassifierName="released",
        LanguageCode="en",
        InputDataConfig={"S3Uri": "s3://released/rows.csv"},
        **common,
    )["DocumentClassifierArn"]

    def status_of_job() -> str:
        found = comprehend.describe_entities_detection_job(JobId=job)["EntitiesDetectionJobProperties"]
        return f"{found['JobStatus']} {found.get('Message', '')}"

    def status_of_model() -> str:
        found = comprehend.describe_document_classifier(DocumentClassifierArn=arn)["DocumentClassifierProperties"]
        return f"{found['Status']} {found.get('Message', '')}"

    wait(status_of_job, "COMPLETED")
    wait(status_of_model, "TRAINED")


def wait(status: Callable[[], str], wanted: str) -> None:
    """Wait until something has ended as wanted."""
    end = time.monotonic() + SECONDS
    while not (found := status()).startswith(wanted):
        if time.monotonic() > end or found.startswith(("FAILED", "IN_ERROR", "STOPPED")):
            raise SystemExit(f"not {wanted}, but {found}")
        time.sleep(0.5)


def pack(work: Path, archive: Path) -> None:
    """Pack the data folder, and the root key if there is one."""
    data = work / "data"
    with closing(sqlite3.connect(data / "db.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        connection.execute("VACUUM")
    for name in ("agent", "scratch", "lock"):
        path = data / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member if member.isreg() or member.isdir() else None

    with tarfile.open(archive, "w:xz", preset=9) as tar:
        tar.add(data, "data", filter=anonymous)
        for key in (work / "state").glob("*/root.key"):
            tar.add(key, "root.key", filter=anonymous)


if __name__ == "__main__":
    sys.exit(main())
