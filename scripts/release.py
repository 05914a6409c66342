"""Build a release and sign a statement of how it was built; verify a release that somebody else built.

    release.py new-key KEY            a signing key, encrypted with a passphrase; KEY.pub is for those who verify
    release.py build FOLDER --key KEY
    release.py verify FOLDER --key KEY.pub
    release.py packages FOLDER        only the packages of a release, once and without a signature, to try them

A release is the source archives and wheels of the product and of its weights, the pinned requirements to install them
with, bills of materials (CycloneDX) of the Python packages that the product runs with, of the weights and of the
packages in the console's page, their hashes, and SLSA's statement of how they were built, in a signed envelope (in-toto
Statement v1, https://slsa.dev/spec/v1.0/provenance, DSSE). It is built from the checked-out commit, from the files in
git only, twice, and both builds must have the same bytes. docs/releasing.md says how the key is handled.
"""

from __future__ import annotations

import argparse
import datetime as dt
import getpass
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from unpack import unpack

ROOT = Path(__file__).resolve().parents[1]
PROVENANCE = "provenance.intoto.jsonl"
SUMS = "SHA256SUMS"
PAYLOAD = "application/vnd.in-toto+json"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:reading-room:make-release:1"
BUILDER = "urn:reading-room:machine-of-a-maintainer"
MATERIALS = (
    "requirements-release.txt",
    "requirements-runtime.txt",
    "requirements-data.txt",
    "console/package-lock.json",
)
"""The files that pin what a release is built and run with."""
PACKAGES = (".", "packaging/weights")
"""The folders of the Python packages."""
INSTALL = ("requirements-runtime.txt", "requirements-data.txt")
"""The files with which the wheels are installed with hashes."""


class ReleaseError(Exception):
    """A release cannot be made or verified; the message says why."""


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def new_key(path: Path, passphrase: bytes) -> None:
    """Write an Ed25519 key, encrypted with a passphrase, and its public key. Raises ``FileExistsError``."""
    key = Ed25519PrivateKey.generate()
    closed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(closed)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path.with_name(path.name + ".pub").write_bytes(public)


def signer_of(path: Path, passphrase: bytes) -> CryptoSigner:
    """Return a signer. Raises ``ReleaseError`` if others may read the key, or the passphrase is wrong."""
    if path.stat().st_mode & 0o077:
        raise ReleaseError(f"others may read {path}: run chmod 600 {path}")
    try:
        return CryptoSigner(load_pem_private_key(path.read_bytes(), passphrase))
    except (ValueError, TypeError) as error:
        raise ReleaseError(f"{path} cannot be opened with this passphrase: {error}") from error


def statement(
    files: Mapping[str, str], commit: str, materials: Mapping[str, str], epoch: int, began: dt.datetime
) -> bytes:
    """Return SLSA's statement as JSON: ``files`` and ``materials`` are SHA-256 by name, ``epoch`` the commit's time."""
    sources = [ResourceDescriptor(uri="git+local:reading-room", digest={"gitCommit": commit})]
    sources += [ResourceDescriptor(name=name, digest={"sha256": sha256}) for name, sha256 in materials.items()]
    ended = dt.datetime.now(dt.UTC)
    predicate = {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"commit": commit},
            "internalParameters": {"SOURCE_DATE_EPOCH": str(epoch), "python": platform.python_version()},
            "resolvedDependencies": [json_format.MessageToDict(source.pb) for source in sources],
        },
        "runDetails": {
            "builder": {"id": BUILDER},
            "metadata": {
                "invocationId": f"{commit}/{began:%Y%m%dT%H%M%SZ}",
                "startedOn": f"{began:%Y-%m-%dT%H:%M:%SZ}",
                "finishedOn": f"{ended:%Y-%m-%dT%H:%M:%SZ}",
            },
        },
    }
    json_format.ParseDict(predicate, provenance_pb2.Provenance())  # Raises unless it has SLSA's form.
    subjects = [ResourceDescriptor(name=name, digest={"sha256": sha256}).pb for name, sha256 in sorted(files.items())]
    made = Statement(subjects, PREDICATE, predicate)
    made.validate()
    return json.dumps(json_format.MessageToDict(made.pb), sort_keys=True).encode()


def signed(payload: bytes, signer: CryptoSigner) -> str:
    """Return a statement in its signed envelope, as one line."""
    envelope = Envelope(payload, PAYLOAD, {})
    envelope.sign(signer)
    return json.dumps(envelope.to_dict()) + "\n"


def verify(folder: Path, public: Path) -> dict[str, Any]:
    """Return the predicate of a release after checking that all files are as signed. Raises ``ReleaseError``.

    ``public`` must come from a source other than the release.
    """
    try:
        key = SSlibKey.from_crypto(load_pem_public_key(public.read_bytes()))
        envelope = Envelope.from_dict(json.loads((folder / PROVENANCE).read_text()))
        envelope.verify([key], 1)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, FormatError, VerificationError) as error:
        raise ReleaseError(f"{folder / PROVENANCE} is not signed with the key of {public}: {error}") from error
    if envelope.payload_type != PAYLOAD:
        raise ReleaseError(f"what is signed is no statement but {envelope.payload_type!r}")
    try:
        parsed = json_format.Parse(envelope.payload, statement_pb2.Statement())
        Statement.copy_from_pb(parsed).validate()
    except (json_format.ParseError, ValueError) as error:
        raise ReleaseError(f"the signed statement cannot be read: {error}") from error
    if parsed.predicate_type != PREDICATE:
        raise ReleaseError(f"the signed statement is about something else: {parsed.predicate_type!r}")
    wanted = {each.name: each.digest.get("sha256", "") for each in parsed.subject}
    found = {path.name: path for path in folder.iterdir() if path.name != PROVENANCE}
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            raise ReleaseError(f"{name} was signed and is not there")
        if name not in wanted:
            raise ReleaseError(f"{name} is there and was not signed")
        if not found[name].is_file() or digest(found[name]) != wanted[name]:
            raise ReleaseError(f"{name} has changed: it is not the file that was signed")
    return dict(json_format.MessageToDict(parsed)["predicate"])


def build(target: Path, key: Path, passphrase: bytes) -> None:
    """Make a release of the checked-out commit in an empty folder. Raises ``ReleaseError``."""
    signer = signer_of(key, passphrase)
    began = dt.datetime.now(dt.UTC)
    if _run(["git", "status", "--porcelain"], ROOT):
        raise ReleaseError("there are changes that are not committed: a release is made of a commit")
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise ReleaseError(f"{target} is not empty")
    commit = _run(["git", "rev-parse", "HEAD"], ROOT).decode().strip()
    epoch = _epoch()
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        made = [_made_in(Path(place), epoch) for place in (first, second)]
        if made[0].keys() != made[1].keys() or any(made[0][name] != made[1][name] for name in made[0]):
            odd = [name for name in made[0] if made[0][name] != made[1].get(name)]
            raise ReleaseError(f"the same commit gave other bytes the second time: {', '.join(odd)}")
        materials = {name: digest(Path(first, "tree", name)) for name in MATERIALS}
        for name, content in made[0].items():
            (target / name).write_bytes(content)
    files = {path.name: digest(path) for path in sorted(target.iterdir())}
    (target / SUMS).write_text("".join(f"{sha256}  {name}\n" for name, sha256 in files.items()))
    files[SUMS] = digest(target / SUMS)
    (target / PROVENANCE).write_text(signed(statement(files, commit, materials, epoch, began), signer))


def packages(target: Path) -> None:
    """Build the packages of the checked-out commit into a folder, with the files to install them with."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place)
        _extract(tree)
        _build_packages(tree, target.absolute(), _epoch())


def _epoch() -> int:
    """Return the time of the checked-out commit."""
    return int(_run(["git", "log", "-1", "--format=%ct"], ROOT))


def _extract(tree: Path) -> None:
    """Write the commit's files in git into a folder."""
    with tarfile.open(fileobj=BytesIO(_run(["git", "archive", "HEAD"], ROOT))) as archive:
        unpack(archive, tree)


def _build_packages(tree: Path, made: Path, epoch: int) -> None:
    """Build source archives and wheels from a folder, and add the files to install them with."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "0"}
    for folder in PACKAGES:
        _run([sys.executable, "-m", "hatchling", "build", "-d", str(made)], tree / folder, environment)
    for name in INSTALL:
        shutil.copyfile(tree / name, made / name)
    (made / ".gitignore").unlink(missing_ok=True)


def _made_in(place: Path, epoch: int) -> dict[str, bytes]:
    """Build everything from the commit's files in git, and return it by name."""
    tree, made = place / "tree", place / "made"
    made.mkdir()
    _extract(tree)
    _build_packages(tree, made, epoch)
    program = Path(sys.executable).with_name("cyclonedx-py")
    bill = ["--output-reproducible", "--of", "JSON", "-o", str(made / "python.cdx.json")]
    _run([str(program), "requirements", "--pyproject", "pyproject.toml", *bill, "requirements-runtime.txt"], tree)
    weights = [sys.executable, "scripts/bill_of_weights.py", PACKAGES[1]]
    (made / "weights.cdx.json").write_bytes(_run(weights, tree, {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}))
    # Optional packages are for Node: none is in the page.
    omitted = ["--omit", "dev", "--omit", "optional"]
    npm = ["npm", "sbom", "--package-lock-only", *omitted, "--sbom-format", "cyclonedx"]
    console = json.loads(_run(npm, tree / "console"))
    # A new serial number and time at every call would make two builds of one commit differ.
    console.pop("serialNumber", None)
    console["metadata"]["timestamp"] = f"{dt.datetime.fromtimestamp(epoch, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    (made / "console.cdx.json").write_text(json.dumps(console, indent=2, sort_keys=True) + "\n")
    return {path.name: path.read_bytes() for path in made.iterdir()}


def _run(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> bytes:
    try:
        return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True).stdout
    except FileNotFoundError as error:
        raise ReleaseError(f"{command[0]} is needed for a release and not installed") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()[-2000:]
        raise ReleaseError(f"{' '.join(command)} ended with {error.returncode}: {said}") from error


def _names(folder: Path) -> str:
    return ", ".join(sorted(path.name for path in folder.iterdir()))


def _passphrase(*, twice: bool = False) -> bytes:
    """Ask at the terminal or, without one, read a line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n").encode()
    typed = getpass.getpass("Passphrase of the key: ")
    if twice and typed != getpass.getpass("Once more: "):
        raise ReleaseError("the two are not the same")
    return typed.encode()


def main() -> int:
    """Do what the arguments say and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("new-key").add_argument("key", type=Path)
    for name in ("build", "verify", "packages"):
        command = commands.add_parser(name)
        command.add_argument("folder", type=Path)
        if name != "packages":
            command.add_argument("--key", type=Path, required=True)
    parsed = parser.parse_args()
    try:
        if parsed.command == "new-key":
            passphrase = _passphrase(twice=True)
            if len(passphrase) < 12:
                raise ReleaseError("choose a passphrase of at least 12 characters")
            new_key(parsed.key, passphrase)
            print(f"{parsed.key} is the key, and {parsed.key}.pub is for those who verify")
        elif parsed.command == "build":
            build(parsed.folder, parsed.key, _passphrase())
            print(f"{parsed.folder} has the release: " + _names(parsed.folder))
        elif parsed.command == "packages":
            packages(parsed.folder)
            print(f"{parsed.folder} has the packages, without a signature: " + _names(parsed.folder))
        else:
            predicate = verify(parsed.folder, parsed.key)
            commit = predicate["buildDefinition"]["externalParameters"]["commit"]
            print(f"every file of {parsed.folder} is as it was signed; it was built from commit {commit}")
    except (ReleaseError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
