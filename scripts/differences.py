"""The pages of docs/reference on what differs from AWS: an overview, and a page for each service of AWS.

Operations, parameters and filters come from the code and from botocore's models. What behaves differently is said on
the page of its feature, under "What differs" or "What is refused", and collected here.
"""

from __future__ import annotations

import inspect
import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
FEATURES = {
    "cloudtrail": ("trail.md",),
    "comprehend": ("kinds/README.md",),
    "ec2": ("vpc/*.md",),
    "iam": ("iam.md",),
    "kms": ("keys.md",),
    "logs": ("logs.md",),
    "organizations": ("organizations.md",),
    "s3": ("s3.md",),
    "sts": ("accounts.md",),
}
"""The pages on features of each service."""
REFUSED: dict[str, dict[str, str]] = {
    "cloudtrail": {},
    "comprehend": {
        "DataLakeKmsKeyId": "KmsKeyValidationException",
        "DocumentReaderConfig": "InvalidRequestException",
        "FlywheelStatsS3Prefix": "InvalidRequestException",
        "KmsKeyId": "KmsKeyValidationException",
        "ModelKmsKeyId": "KmsKeyValidationException",
        "VolumeKmsKeyId": "KmsKeyValidationException",
    },
    "iam": {
        "MaxSigninSessionDuration": "ValidationError",
        "OrderedOrganizationPolicyInputList": "ValidationError",
        "ResetMaxSigninSessionDuration": "ValidationError",
        "ResourceHandlingOption": "ValidationError",
    },
    "kms": {
        "CustomKeyStoreId": "UnsupportedOperationException",
        "DryRunModifiers": "UnsupportedOperationException",
        "GranteeServicePrincipal": "UnsupportedOperationException",
        "MultiRegion": "UnsupportedOperationException",
        "Recipient": "UnsupportedOperationException",
        "RetiringServicePrincipal": "UnsupportedOperationException",
        "SourceArn": "UnsupportedOperationException",
        "XksKeyId": "UnsupportedOperationException",
    },
    "logs": {
        "accountIdentifiers": "InvalidParameterException",
        "deletionProtectionEnabled": "InvalidParameterException",
        "entity": "InvalidParameterException",
        "includeLinkedAccounts": "InvalidParameterException",
        "kmsKeyId": "InvalidParameterException",
    },
    "organizations": {"IamUserAccessToBilling": "InvalidInputException"},
    "sts": {
        "ProvidedContexts": "InvalidContextAssertion",
        "SerialNumber": "AccessDenied",
        "TokenCode": "AccessDenied",
    },
}
"""The error codes for members of requests, at any depth, that a service refuses; a test sends each.

EC2 and S3 declare what they refuse with each operation.
"""
ACCEPTED = frozenset(
    (
        ("ClassifyDocument", "DocumentReaderConfig"),
        ("DetectEntities", "DocumentReaderConfig"),
        ("StartDocumentClassificationJob", "DocumentReaderConfig"),
        ("StartEntitiesDetectionJob", "DocumentReaderConfig"),
    )
)
"""Operations that accept a member which others refuse; the page of the feature says with what."""
DIFFERS = re.compile(r"\n## (What differs|What is refused)[^\n]*\n(.*?)(?=\n## |\Z)", re.DOTALL)
_FILTER = re.compile(r"<li> *<p> *<code>([^<]+)</code>")


class Refused(NamedTuple):
    """A parameter that an operation refuses, with the error code.

    ``path`` leads to a member at any depth: ``InputDataConfig.DocumentReaderConfig``.
    """

    operation: str
    path: str
    code: str


def pages() -> dict[Path, str]:
    """Return the pages by their paths."""
    texts = {DOCS / "reference" / f"differences-{service}.md": _page(service) for service in FEATURES}
    return texts | {DOCS / "reference" / "differences.md": _overview()}


def _overview() -> str:
    lines = [
        "# Differences from AWS",
        "",
        "For each service: how many of the operations in botocore's model are supported, which parameters and",
        "filters of these are refused, and what behaves differently.",
        "",
        "| service | operations | refused parameters | refused filters | differences in behaviour |",
        "|---|---|---|---|---|",
    ]
    for service in FEATURES:
        supported, modelled = len(_served(service)), len(_model(service)["operations"])
        counts = f"{len(refused(service))} | {len(_refused_filters(service))} | {len(_behaviour(service))}"
        lines.append(f"| [{service}](differences-{service}.md) | {supported} of {modelled} | {counts} |")
    return "\n".join(lines) + "\n"


def _page(service: str) -> str:
    lines = [
        f"# {service}: differences from AWS",
        "",
        f"{len(_served(service))} of {len(_model(service)['operations'])} operations are supported. The",
        f"[table of operations](operations.md#{service}) lists the others, and their error.",
        "",
        "## Refused parameters",
        "",
    ]
    found = refused(service)
    if found:
        lines += ["| operation | parameters | error |", "|---|---|---|"]
        rows: dict[tuple[str, str], list[str]] = {}
        for operation, path, code in found:
            rows.setdefault((operation, code), []).append(f"`{path}`")
        lines += [f"| {operation} | {', '.join(paths)} | `{code}` |" for (operation, code), paths in rows.items()]
    else:
        lines += ["None."]
    filters = _refused_filters(service)
    if service == "ec2":
        lines += ["", "## Refused filters", ""]
        lines += [f"- {operation}: `{name}`" for operation, name in filters] or [
            "None: every filter in botocore's documentation of an operation is accepted."
        ]
    lines += ["", "## Differences in behaviour", "", "| page | difference |", "|---|---|"]
    lines += [f"| [{name}](../{place}) | {text} |" for name, place, text in _behaviour(service)]
    return "\n".join(lines) + "\n"


def refused(service: str) -> list[Refused]:
    """Return what the operations of a service refuse of their models."""
    found = {"ec2": _refused_by_ec2, "s3": _refused_by_s3}.get(service, lambda: _refused_elsewhere(service))()
    return sorted(found)


def _refused_by_ec2() -> Iterator[Refused]:
    from reading_room.vpc.operations.binding import declarations

    for declaration in declarations():
        for name in _members("ec2", declaration.name):
            if name not in declaration.parameters and name != "DryRun":
                yield Refused(declaration.name, name, "UnsupportedOperation")


def _refused_by_s3() -> Iterator[Refused]:
    from reading_room.s3.operations.table import OPERATIONS

    for operation in _served("s3"):
        for name in _members("s3", operation):
            if not OPERATIONS[operation].gives_effect_to(name):
                yield Refused(operation, name, "NotImplemented")


def _refused_elsewhere(service: str) -> Iterator[Refused]:
    from botocore.model import StructureShape

    from reading_room.aws.models import service_model

    def paths(shape: Any, way: str, seen: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
        if isinstance(shape, StructureShape) and shape.name not in seen:
            for name, member in shape.members.items():
                yield f"{way}{name}", name
                yield from paths(member, f"{way}{name}.", (*seen, shape.name))

    for operation in _served(service):
        for path, name in paths(service_model(service).operation_model(operation).input_shape, ""):
            if name in REFUSED[service] and (operation, name) not in ACCEPTED:
                yield Refused(operation, path, REFUSED[service][name])


def _members(service: str, operation: str) -> list[str]:
    from reading_room.aws.models import service_model

    shape: Any = service_model(service).operation_model(operation).input_shape
    return list(shape.members) if shape is not None else []


def _served(service: str) -> list[str]:
    from reading_room.s3.backends import embedded  # importing it fills the table
    from reading_room.s3.operations.table import OPERATIONS
    from reading_room.wiring.product import operation_table

    assert embedded.__name__
    if service == "s3":
        return sorted(OPERATIONS)
    return sorted(bound.facts.name for bound in operation_table() if bound.facts.service == service)


@cache
def _model(service: str) -> Mapping[str, Any]:
    """Return botocore's packaged model, documentation included."""
    from botocore.loaders import Loader

    packaged = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    model: Mapping[str, Any] = packaged.load_service_model(service, "service-2")
    return model


def _refused_filters(service: str) -> list[tuple[str, str]]:
    """Return the operations of EC2 with filters that their documentation names and that are refused here."""
    if service != "ec2":
        return []
    from reading_room.vpc.operations.binding import declarations

    documented = {each.name: set(_documented_filters(each.name)) for each in declarations()}
    accepted = _accepted_filters()
    found = [
        (operation, name)
        for operation, names in documented.items()
        for name in sorted(names - accepted.get(operation, frozenset()))
    ]
    return sorted(found)


def _documented_filters(operation: str) -> Iterator[str]:
    model = _model("ec2")
    shape = model["shapes"][model["operations"][operation]["input"]["shape"]]
    for name in ("Filters", "Filter"):
        text = shape["members"].get(name, {}).get("documentation", "")
        yield from (match[1] for match in _FILTER.finditer(text))


def _accepted_filters() -> dict[str, frozenset[str]]:
    """Return the filters of each operation of EC2: those in the tables that its method names."""
    from reading_room.vpc.operations.binding import _DECLARED, Ec2Operations

    found = {}
    for kind in Ec2Operations.__subclasses__():
        for method in vars(kind).values():
            declaration = getattr(method, _DECLARED, None)
            if declaration is not None:
                source = inspect.getsource(method)
                tables = re.findall(r"\b[A-Z_]*FILTERS\b", source)
                names = {name for table in tables for name in method.__globals__[table]}
                # The documentation writes "tag:KEY" as "tag".
                tags = {"tag", "tag-value"} if "tag-key" in names or '"tag:"' in source else set()
                found[declaration.name] = frozenset(names | tags)
    return found


def _behaviour(service: str) -> list[tuple[str, str, str]]:
    """Return the title of a page, its place and each difference that it lists."""
    found = []
    for path in (path for pattern in FEATURES[service] for path in sorted(DOCS.glob(pattern))):
        text = path.read_text()
        name = text.partition("\n")[0].removeprefix("# ")
        place = path.relative_to(DOCS).as_posix()
        for heading, section in DIFFERS.findall(text):
            said = "Refused: " if heading == "What is refused" else ""
            found += [(name, place, f"{said}{_moved(item, place)}") for item in _items(section)]
    return found


def _moved(text: str, place: str) -> str:
    """Return a text of a page with its relative links made relative to the reference's folder."""

    def link(match: re.Match[str]) -> str:
        target = posixpath.join("docs", posixpath.dirname(place), match[1])
        return f"]({posixpath.relpath(target, 'docs/reference')}"

    return re.sub(r"\]\((?![a-z]+:|#)([^)#]+)", link, text)


def _items(section: str) -> list[str]:
    """Return the items of a section's list, or the rows of its table."""
    listed = section.split("\n\n", 1)[-1] if section.startswith("\n") else section
    rows = re.findall(r"^\| (.*?) \| (.*?) \|$", listed, re.MULTILINE)[1:]
    if rows:
        return [f"{thing}: {difference}" for thing, difference in rows]
    return [" ".join(item.split()) for item in f"\n{listed}".split("\n- ")[1:]]
