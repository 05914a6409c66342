"""What the control plane tells a worker, and what a worker answers. Both sides import this module.

It uses the standard library only. The job file is one line of JSON on the worker's standard input; messages are JSON
objects on its standard output, one a line.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Literal

from reading_room.analysis.kind import Kind

MESSAGE_LIMIT = 1_000_000
"""Bytes of messages that are read from one worker; what comes after is dropped."""
TEXT_LIMIT = 4_096
"""Code points of a failure's message, and of a warning."""
METADATA_LIMIT = 32_768
"""Code points of a training's description of its model."""
COUNT_LIMIT = 1 << 53
"""Every count is below this."""
CODE_PATTERN = "[A-Z_]{1,64}"
"""The form of a failure's code."""
SHA256_PATTERN = "([0-9a-f]{64})?"
"""The form of an archive's SHA-256; empty if there is no archive."""

NO_READ_ACCESS = "The provided data access role does not have proper access to the input data."
NO_WRITE_ACCESS = "The provided data access role does not have write access to the output S3 URI"

SCHEDULER_PORT = 8786
"""The TCP port at which a job's first container gives out work."""
WORKER_PORT = 8787
"""The TCP port at which each of a job's containers gives out its results."""
DOCUMENT_SUFFIXES = frozenset({".pdf", ".doc", ".docx", ".docm", ".dot", ".dotx", ".odt", ".rtf"})
"""The suffixes of PDF and Word documents, in lower case: a job reads them only if its tags say so."""
CLUSTER_PORTS = (8786, 8788)
"""The first and last port that a job's containers need open to each other.

Nothing listens at the last one yet; rules cover all three, so that they need not change later. Every other port of Dask
is on the container's own loopback.
"""

RESOLVER_FILE = "/tmp/resolv.conf"  # nosec B108 # of a container, where nobody else is
"""Where the container's ``/etc/resolv.conf`` leads. The worker writes the text that comes with its job there."""
MODELS_FOLDER = "/models"
"""Where a container finds the models that were unpacked once for all containers."""
FILTERS_FOLDER = "/etc/reading-room/filters"
"""Where a container finds the system call filters of its programs, one file each, with the names in ``Confined``."""
CALL_THREADS = 2
"""How many threads a container for synchronous calls reads a text with, and how many times a job's cores it may use."""
Confined = Literal["documents", "training", "cluster", "realtime", "extractor", "reading"]
"""What a worker becomes once it has its work: it then keeps only the system calls that this needs. ``extractor`` is the
process that starts readers of documents, and ``reading`` is such a reader."""
InputFormat = Literal["ONE_DOC_PER_LINE", "ONE_DOC_PER_FILE"]


def parts_beside(output: str) -> str:
    """Return the prefix of a job's parts from the key of its output.

    It is beside the archive. If the output is a folder, it is beside that, because any name in it may be an input's.
    """
    folder = output.rpartition("/")[0]
    return f"{folder.rpartition('/')[0] if output.endswith('/') else folder}/parts/"


def no_model_access(bucket: str) -> str:
    """Return the beginning of the message for a models' ``bucket`` that refuses the service's own session."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    return (
        f"The service's bucket for custom models, {bucket}, refuses this job; the policy of its VPC endpoint needs "
        f"{json.dumps(statement)}."
    )


MODEL_BYTES = 64_000_000
"""The greatest size of a custom model's artifact. Trainings stay below 40 MB."""
MODEL_TAMPERED = "MODEL_TAMPERED"
"""The failure code of an artifact that is not the one that its training wrote."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place in S3. ``key`` is an object's key, or a prefix where that is documented."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A custom model's artifact in the service's own bucket, read with the service's session, not with a user's role.

    ``credentials_path`` is where the container fetches that session, as ``AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`` is
    for the data access role. ``sha256`` is the artifact's expected hash, in hexadecimal; it is empty for a training,
    which makes the artifact.
    """

    artifact: Location
    credentials_path: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class ClusterPlace:
    """A container's place among the containers of one attempt. Only jobs of several containers have one.

    ``member`` is its number. Number 0 runs the scheduler, cuts the work into parts and writes the result. ``path`` is
    where the container asks the credentials address for its certificate, and number 0 for the parts. Like
    ``AWS_CONTAINER_CREDENTIALS_RELATIVE_URI``, it is an address and not a secret by itself.
    """

    member: int
    containers: int
    address: str
    """The address of this container's interface."""
    scheduler: str
    """The address of the first container's interface."""
    path: str


@dataclass(frozen=True, slots=True)
class JobFile:
    """One job of one worker. It has no credentials: the SDK fetches those inside the VPC."""

    job_id: str
    attempt: int
    kind: Kind
    region: str
    language: str | None
    input: Location
    """``key`` is a prefix: every object whose key begins with it is read."""
    input_format: InputFormat
    output: Location
    """``key`` is the whole key of the archive, ending in ``output.tar.gz``; or a prefix that ends in ``/``, for a kind
    that writes an object for each input file."""
    document_limit: int
    """The most bytes of UTF-8 that one document may have."""
    total_limit: int = 5_000_000_000
    documents_limit: int = 1_000_000
    request: str = "{}"
    """Members of the request that only this kind has, as a JSON object with the request's names: ``NumberOfTopics`` for
    topics; ``InputDataConfig``, ``Mode`` and ``LanguageCode`` for trainings."""
    model: ModelPlace | None = None
    part_bytes: int = 1_000_000
    """Bytes of input that are analysed as one part; the same for one container and many."""
    cluster: ClusterPlace | None = None
    traceparent: str = ""
    """The header ``traceparent`` (W3C Trace Context) of requests to S3; empty if the job is not traced."""

    def to_json(self) -> str:
        """Return the job file as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> JobFile:
        """Read a job file. Raise ``ValueError`` if a member is missing or unknown."""
        members = json.loads(text)
        try:
            members["input"] = Location(**members["input"])
            members["output"] = Location(**members["output"])
            if members.get("model") is not None:
                artifact = Location(**members["model"].pop("artifact"))
                members["model"] = ModelPlace(artifact, **members["model"])
            if members.get("cluster") is not None:
                members["cluster"] = ClusterPlace(**members["cluster"])
            return cls(**members)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a job file: {error}") from error


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine is loaded, and the worker waits for its job."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Documents finished so far, of ``of`` in all (0 while that is unknown). Sent at most once a second."""

    documents: int
    of: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """The worker says that the output is written. ``sha256`` is the archive's, in hexadecimal.

    If the output is a folder, ``size`` and ``sha256`` are those of ``folder_digest.FolderDigest``.

    For a training, the object is the model's artifact, ``metadata`` is the ClassifierMetadata or RecognizerMetadata as
    a JSON object, and ``warning`` is the reason for TRAINED_WITH_WARNING, or empty. For a job whose results have no
    place for errors, ``warning`` names the documents that were left out. In a job of several containers the first one
    speaks for the job; the others send this, with no documents, after the first has ended the cluster.

    ``characters`` and ``units`` are billed: those of the documents without an error. ``input_bytes`` is the size of the
    input of topics, which are billed by size.
    """

    documents: int
    errors: int
    size: int
    sha256: str
    stopped: bool = False
    metadata: str = ""
    warning: str = ""
    characters: int = 0
    units: int = 0
    input_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """The job cannot continue. ``code`` is one of the failure codes of a job (``NO_READ_ACCESS_TO_INPUT``, …).

    Any container of a job may send it. ``CLUSTER_LOST`` (from the first container: another attempt is needed, which
    continues with the finished parts) and ``CONTAINERS_CANNOT_CONNECT`` concern this attempt only.
    """

    code: str
    message: str


WorkerMessage = Ready | Progress | Done | Failed


def encode_message(message: WorkerMessage) -> str:
    """Return a message as one line of JSON, with its class under ``type``.

    Long texts are cut. Characters of a document that UTF-8 cannot encode become question marks.
    """
    members = {name: _sayable(name, value) for name, value in dataclasses.asdict(message).items()}
    return json.dumps({"type": type(message).__name__, **members})


def _sayable(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.encode(errors="replace").decode()
    return text if name == "metadata" or len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"
