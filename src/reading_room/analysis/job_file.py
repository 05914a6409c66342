"""What the control plane tells a worker, and what a worker says back: both sides read this module.

Standard library only. Both are JSON. The job file comes on the worker's standard input as one line; messages leave on
its standard output, one JSON object a line.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Literal, get_args

MESSAGE_LIMIT = 1_000_000
"""Bytes of messages that anybody reads from one worker; what comes after is dropped."""
TEXT_LIMIT = 4_096
"""Code points of a failure's message, and of a warning."""
METADATA_LIMIT = 32_768
"""Code points of what a training says of its model."""
COUNT_LIMIT = 1 << 53
"""No count of anything reaches it."""
CODE_PATTERN = "[A-Z_]{1,64}"
"""The form of a failure's code."""
SHA256_PATTERN = "([0-9a-f]{64})?"
"""The form of an archive's SHA-256; empty where there is no archive."""

NO_READ_ACCESS = "The provided data access role does not have proper access to the input data."
NO_WRITE_ACCESS = "The provided data access role does not have write access to the output S3 URI"

SCHEDULER_PORT = 8786
"""Where the first of a job's containers is asked for work, by TCP."""
WORKER_PORT = 8787
"""Where each of a job's containers is asked for what it has, by TCP."""
DOCUMENT_SUFFIXES = frozenset({".pdf", ".doc", ".docx", ".docm", ".dot", ".dotx", ".odt", ".rtf"})
"""How the names of PDF and Word documents end, in lower case: text in forms that are not read yet."""
CLUSTER_PORTS = (8786, 8788)
"""First and last of the ports that a job's containers need open to each other.

Nobody listens at the last one yet: rules are written for the three together, so that they need not change. Every other
port of Dask is on the container's own loopback.
"""

RESOLVER_FILE = "/tmp/resolv.conf"  # nosec B108 # of a container, where nobody else is
"""Where the container's ``/etc/resolv.conf`` leads. The worker writes the text there that comes with its job."""
MODELS_FOLDER = "/models"
"""Where a container finds models that were unpacked for all of them."""
FILTERS_FOLDER = "/etc/reading-room/filters"
"""Where a container finds the system call filters of its programs, one file each, named as in ``Confined``."""
Confined = Literal["documents", "training", "cluster", "realtime"]
"""What a worker is once it has its work: it then keeps the system calls that this needs, and no others."""

Kind = Literal[
    "dominant-language",
    "entities",
    "key-phrases",
    "sentiment",
    "targeted-sentiment",
    "topics",
    "classification",
    "custom-entities",
    "classifier-training",
    "recognizer-training",
]
"""What a worker does with its input: it decides the form of the output."""
EngineName = Literal[
    "dominant-language",
    "entities-en",
    "entities-de",
    "entities-ja",
    "entities-pt",
    "entities-zh",
    "entities-zh-TW",
    "key-phrases-en",
    "key-phrases-de",
    "key-phrases-es",
    "key-phrases-fr",
    "key-phrases-ja",
    "key-phrases-pt",
    "key-phrases-zh",
    "key-phrases-zh-TW",
    "sentiment-en",
    "syntax-en",
    "targeted-sentiment-en",
    "topics",
    "classification",
    "custom-entities",
    "classifier-training",
    "recognizer-training",
]
"""What a worker loads before it has a job."""
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
InputFormat = Literal["ONE_DOC_PER_LINE", "ONE_DOC_PER_FILE"]


def no_model_access(bucket: str) -> str:
    """Return the beginning of what is said when ``bucket``, where models are, refuses the service's own session."""
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


@dataclass(frozen=True, slots=True)
class Location:
    """A place in S3: ``key`` is an object's key, or a prefix where the text says so."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A custom model's artifact in the service's own bucket, reached with the service's session and no role of a user.

    ``credentials_path`` is where the container asks for that session, as ``AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`` is
    for the data access role. ``sha256`` is what the artifact must have, in hexadecimal; empty for a training, which
    makes it.
    """

    artifact: Location
    credentials_path: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class ClusterPlace:
    """Where a container stands among the containers of one attempt of a job. Only jobs of several have one.

    ``member`` is its number; the first, 0, has the scheduler, cuts the work into parts and writes the result. ``path``
    is where it asks the credentials address for its certificate, and the first for its parts: an address and not a
    secret by itself, as ``AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`` is.
    """

    member: int
    containers: int
    address: str
    """Its own, of its interface."""
    scheduler: str
    """The address of the first container's interface."""
    path: str


@dataclass(frozen=True, slots=True)
class JobFile:
    """One job of one worker. No credential is in it: the SDK fetches those inside the VPC."""

    job_id: str
    attempt: int
    kind: Kind
    region: str
    language: str | None
    input: Location
    """``key`` is a plain prefix: every object whose key begins with it is read."""
    input_format: InputFormat
    output: Location
    """``key`` is the whole key of the archive, ending in ``output.tar.gz``."""
    document_limit: int
    """Bytes of UTF-8 that one document may have."""
    total_limit: int = 5_000_000_000
    documents_limit: int = 1_000_000
    request: str = "{}"
    """Members of the request that only this kind has, as a JSON object in the request's own words: ``NumberOfTopics``
    for topics; ``InputDataConfig``, ``Mode`` and ``LanguageCode`` for trainings."""
    model: ModelPlace | None = None
    part_bytes: int = 1_000_000
    """Bytes of input that are analysed as one part; the same for one container and for many."""
    cluster: ClusterPlace | None = None

    def to_json(self) -> str:
        """Return the job file as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> JobFile:
        """Read a job file. Raises ``ValueError`` when a member is missing or unknown."""
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
    """The engine is loaded; the worker waits for its job."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Documents finished so far, ``of`` so many in all (0 while that is not known); at most one a second."""

    documents: int
    of: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """The output object is written, as the worker believes. ``sha256`` is of the archive, in hexadecimal.

    Of a training the object is the model's artifact, ``metadata`` the model's ClassifierMetadata or RecognizerMetadata
    as a JSON object, and ``warning`` the reason for TRAINED_WITH_WARNING, empty where there is none. Of a job whose
    results have no place for errors, ``warning`` names the documents that were left out. Of several containers the
    first speaks for the job; another says that it is done, of no documents, when the first has ended their cluster.
    """

    documents: int
    errors: int
    size: int
    sha256: str
    stopped: bool = False
    metadata: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The job cannot go on. ``code`` is one of the failure codes of a job (``NO_READ_ACCESS_TO_INPUT``, …).

    Of several containers any may say so. With ``CLUSTER_LOST`` (of the first: the job needs another attempt, which goes
    on from the parts that are finished) and ``CONTAINERS_CANNOT_CONNECT`` it speaks of this attempt only.
    """

    code: str
    message: str


WorkerMessage = Ready | Progress | Done | Failed


def encode_message(message: WorkerMessage) -> str:
    """Return a message as one line of JSON, its class under ``type``.

    A text is cut where nobody would read on. What UTF-8 cannot write, as it stands in a document, becomes a question
    mark.
    """
    members = {name: _sayable(name, value) for name, value in dataclasses.asdict(message).items()}
    return json.dumps({"type": type(message).__name__, **members})


def _sayable(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.encode(errors="replace").decode()
    return text if name == "metadata" or len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"
