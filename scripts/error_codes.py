"""The page of error codes, generated from the code: errors of calls, of jobs and of documents.

scripts/reference.py writes it to docs/reference/errors.md. docs/troubleshooting.md says what to do about a code; its
tables are written by hand, and tests/architecture/test_architecture_error_codes.py compares the two.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from reading_room.aws.errors import AwsError, DryRunOperation, MisdirectedRequest, RequestTimeout

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "reading_room"
TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"

RAISED_IN = {
    "cloudtrail": ("trail",),
    "comprehend": ("comprehend", "hosts/realtime.py"),
    "ec2": ("vpc",),
    "iam": ("iam",),
    "kms": ("kms",),
    "logs": ("logs",),
    "organizations": ("organizations",),
    "reading-room": ("extension",),
    "s3": ("s3",),
    "sts": ("iam",),
}
"""The packages and modules of each service. IAM and STS share a package, so the page has them together."""
READ_IN = {
    "json": ("aws/protocols/json.py",),
    "query": ("aws/protocols/query.py", "aws/protocols/forms.py"),
    "ec2": ("aws/protocols/ec2.py", "aws/protocols/forms.py", "aws/validation.py"),
    "rest-xml": ("aws/protocols/rest_xml.py",),
}
"""The modules that read the requests of each protocol."""
DECIDED_IN = PACKAGE / "iam" / "authorizer.py"
"""The module that denies calls of every service, with that service's error."""
REFUSED, NOT_STARTED = "## A call is refused", "## The job does not start"
FAILED, IN_DOCUMENTS = "## The job is FAILED, or the model IN_ERROR", "## A document has an error, the job is COMPLETED"

_FAMILY = re.compile(r"^(?:JSON services|JSON|EC2 and the query services|Query services|Query and S3|Query|EC2|S3): ")
_OF_SUBCLASSES = re.compile(r"; (?:the )?subclasses .*?\.$")
_OF_SPELLING = re.compile(r"spelling\.$|spell it\.$")
OF_FLYWHEELS = {"FULL_ITERATION", "SCHEDULED_ITERATION_NOT_STARTED"}
"""Codes of the same form in messages of flywheels, which are no failures of jobs."""
_IN_FAILURES = re.compile(r"([A-Z]+(?:_[A-Z]+)+)(?:: |$)")
_IN_MESSAGES = re.compile(r'f?"([A-Z]+(?:_[A-Z]+)+): ')

Codes = dict[str, list[tuple[int, str]]]
"""HTTP status and cause, by code. A code may have several."""


def errors_page() -> str:
    """Return the page."""
    refused = dict.fromkeys(advised_codes(REFUSED), REFUSED)
    not_started = dict.fromkeys(advised_codes(NOT_STARTED), NOT_STARTED)
    lines = [
        "# Error codes",
        "",
        "Every code that a call can answer with, its HTTP status, and a row for each cause. The message names the",
        "parameter, resource or policy. Codes with a link are explained in",
        "[troubleshooting](../troubleshooting.md).",
        "",
        "An unsupported service answers `UnknownOperationException` to JSON requests, `InvalidAction` to",
        "form requests.",
    ]
    for title, codes in codes_by_service().items():
        advised = (not_started if title == "comprehend" else {}) | refused
        lines += ["", f"## {title}", "", "| code | status | when |", "|---|---|---|"]
        for code in sorted(codes):
            shown = f"`{code}`"
            if code in advised:
                shown = f"[{shown}](../troubleshooting.md#{_anchor(advised[code])})"
            reasons = dict.fromkeys((sentence, status) for status, sentence in codes[code])
            lines += [f"| {shown} | {status} | {sentence} |" for sentence, status in reasons]
    lines += [*_failures(), *_in_documents()]
    return "\n".join(lines) + "\n"


@cache
def codes_by_service() -> dict[str, Codes]:
    """Return the codes of each section of the page, by its title."""
    found = {service: codes_of([service]) for service in sorted(RAISED_IN) if RAISED_IN[service] != ("iam",)}
    return dict(sorted({**found, "iam and sts": codes_of(["iam", "sts"])}.items()))


def codes_of(services: Iterable[str]) -> Codes:
    """Return the codes that services answer with: their own, and those of every service in their spelling."""
    classes: dict[type[AwsError], None] = {}
    for service in services:
        classes |= dict.fromkeys(_shared(service))
        for place in RAISED_IN[service]:
            for path in _modules(PACKAGE / place):
                if path != DECIDED_IN:
                    classes |= dict.fromkeys(each for each in named_in(path) if _answers(service, each))
    codes: Codes = {}
    for each in sorted(classes, key=lambda one: (one.__module__, one.__name__)):
        for code in _codes_of_class(each):
            codes.setdefault(code, []).append((each.status, _sentence(each)))
    return codes


def _answers(service: str, each: type[AwsError]) -> bool:
    """Return whether a service answers with an error that it makes, rather than passing it to another service."""
    package = each.__module__.split(".")[1]
    owners = {owner for owner, places in RAISED_IN.items() if package in places}
    return service == "reading-room" or not owners - {"iam", "sts"} or service in owners


def _shared(service: str) -> Iterator[type[AwsError]]:
    """Yield the errors that a service answers with before an operation runs."""
    from reading_room.aws import session_tokens, signature_dialects, spelling
    from reading_room.aws.models import SERVED
    from reading_room.iam.authorizer import _denial
    from reading_room.iam.errors import ServiceUnavailable

    yield MisdirectedRequest
    protocol = SERVED[service].protocol
    for place in READ_IN[protocol]:
        yield from named_in(PACKAGE / place)
    dialect = type(signature_dialects.DIALECTS[protocol]).__name__
    yield from named_in(PACKAGE / "aws" / "signature_dialects.py", within=dialect)
    yield from (type(session_tokens.WRONG_TOKEN[protocol]()), type(session_tokens.EXPIRED_SESSION[protocol]()))
    yield from (type(spelling.unknown_operation(service, "X")), type(spelling.throttled(service)), ServiceUnavailable)
    if protocol != "rest-xml":
        yield from (RequestTimeout, type(spelling.too_large(service, 0)), type(_denial(service, "")))
        yield type(spelling.internal_failure(service, ""))
    if protocol in ("json", "query"):
        yield type(spelling.constraint_violations(service, []))
    if protocol == "ec2":
        yield DryRunOperation


def _modules(place: Path) -> list[Path]:
    return [place] if place.suffix else sorted(place.rglob("*.py"))


@cache
def named_in(path: Path, within: str | None = None) -> tuple[type[AwsError], ...]:
    """Return the errors that a module, or one class of it, makes: those that it names as values."""
    name, text = _dotted(path), path.read_text()
    if name not in _homes() and not any(home in text for home in _homes()):
        return ()
    module = importlib.import_module(name)
    tree: ast.AST = _parsed(path)
    known = {name: getattr(module, name) for name in vars(module)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            source = importlib.import_module(node.module)
            known |= {a.asname or a.name: getattr(source, a.name) for a in node.names if hasattr(source, a.name)}
    if within is not None:
        tree = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == within)
    values = (known.get(name) for name in dict.fromkeys(_made(tree)))
    return tuple(v for v in values if isinstance(v, type) and issubclass(v, AwsError) and v is not AwsError)


@cache
def _homes() -> frozenset[str]:
    """Return the modules that define errors."""
    import reading_room.wiring.server  # noqa: F401  Importing the server imports them all.

    homes, classes = set(), [AwsError]
    while classes:
        each = classes.pop()
        homes.add(each.__module__)
        classes += each.__subclasses__()
    return frozenset(homes)


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(("reading_room", *(part for part in parts if part != "__init__")))


def _made(node: ast.AST) -> Iterator[str]:
    """Yield the names below a node that are used as values, not as parents, types or in ``except``."""
    if isinstance(node, ast.Name):
        yield node.id
        return
    passed_over: list[ast.AST | None] = []
    if isinstance(node, ast.ClassDef):
        passed_over = [*node.bases, *node.keywords]
    elif isinstance(node, ast.ExceptHandler):
        passed_over = [node.type]
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        passed_over = [node.returns]
    elif isinstance(node, ast.arg | ast.AnnAssign):
        passed_over = [node.annotation]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
        return
    for child in ast.iter_child_nodes(node):
        if not any(child is each for each in passed_over):
            yield from _made(child)


def _codes_of_class(each: type[AwsError]) -> list[str]:
    """Return a class's code, or several if it takes the code as an argument, as for EC2's kinds of ids and quotas."""
    from reading_room.vpc.errors import LimitExceeded
    from reading_room.vpc.not_found import MalformedId
    from reading_room.vpc.routing.errors import GatewayNotFound

    if each is GatewayNotFound:
        return sorted({code for code, _ in GatewayNotFound.kinds.values()})
    outcomes = {MalformedId: r"\w+\.Malformed", LimitExceeded: r"\w+\.?LimitExceeded"}
    if each not in outcomes:
        return [each.code]
    return sorted(text for text in _given() if re.fullmatch(outcomes[each], text))


@cache
def _given() -> frozenset[str]:
    """Return the string arguments with which the VPC code calls a function or class."""
    calls = (
        node for path in _modules(PACKAGE / "vpc") for node in ast.walk(_parsed(path)) if isinstance(node, ast.Call)
    )
    values = (value for call in calls for value in (*call.args, *(word.value for word in call.keywords)))
    return frozenset(v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str))


def _sentence(each: type[AwsError]) -> str:
    """Return an error's cause from its class's docstring, with the code that its message begins with, if any."""
    text, parent = _says(each), each.__mro__[1]
    if issubclass(parent, AwsError) and (_OF_SUBCLASSES.search(_says(parent)) or _OF_SPELLING.search(text)):
        text = _OF_SUBCLASSES.sub(".", _says(parent))
    text = _for_readers(_FAMILY.sub("", text), set(inspect.signature(each.__init__).parameters))
    begins = sorted(set(_IN_MESSAGES.findall(_source(each))))
    said = f" Its message begins with {' or '.join(f'`{one}`' for one in begins)}." if begins else ""
    # A sentence may begin with a parameter's name, which stays as it is.
    text = text[:1].upper() + text[1:] if re.match(r"[a-z]+\b", text) else text
    return (text + said).replace("|", "\\|")


def _source(each: type[AwsError]) -> str:
    """Return a class's source; ``inspect`` would compile the whole module for each class."""
    path = Path(inspect.getfile(each))
    node = next(n for n in _parsed(path).body if isinstance(n, ast.ClassDef) and n.name == each.__name__)
    return "\n".join(path.read_text().splitlines()[node.lineno - 1 : node.end_lineno])


def _for_readers(text: str, parameters: set[str]) -> str:
    """Return a docstring without the clauses that are only for readers of the code, such as those on parameters."""
    kept = ""
    for clause in re.split(r"(?<=[.;]) ", text):
        named = next((name for name in parameters if f"`{name}`" in clause), None)
        if named is not None and f"`{named}` says" in clause:
            clause = clause.replace(f"`{named}`", "the message" if kept.endswith(";") else "The message")
        elif named is not None or clause.lower().startswith(("the text ", "the message is ")):
            continue
        kept = f"{kept} {clause}".strip()
    return kept.rstrip(".;") + "."


def _says(each: type[AwsError]) -> str:
    paragraph = inspect.cleandoc(each.__doc__ or "").partition("\n\n")[0]
    return " ".join(paragraph.split()).replace("``", "`")


# Jobs and documents.


def failure_codes() -> dict[str, set[str]]:
    """Return the codes with which a job or training fails, each with its origin: the service, its container, or both.

    In the packages of jobs, everything that looks like such a code is one, except values of the API's model and
    prefixes of the messages of calls. Containers may report only the codes in ``WORKER_CODES``.
    """
    from reading_room.aws.models import service_model
    from reading_room.jobs.outcomes import WORKER_CODES

    model = service_model("comprehend")
    values = {value for name in model.shape_names for value in getattr(model.shape_for(name), "enum", None) or ()}
    found: dict[str, set[str]] = {code: {"its container"} for code in WORKER_CODES}
    listed = PACKAGE / "jobs" / "outcomes.py"
    for path in (*_modules(PACKAGE / "jobs"), *_modules(PACKAGE / "comprehend")):
        if path != listed and not path.name.endswith("errors.py"):
            for code in said_in(path) - values - OF_FLYWHEELS:
                found.setdefault(code, set()).add("the service")
    return found


def said_in(path: Path) -> set[str]:
    """Return the apparent failure codes in a module: strings that are a code, or begin with one and a colon."""
    texts = (node.value for node in ast.walk(_parsed(path)) if isinstance(node, ast.Constant))
    return {match[1] for text in texts if isinstance(text, str) and (match := _IN_FAILURES.match(text))}


def document_codes() -> set[str]:
    """Return the codes that a line of results may have instead of a result."""
    from reading_room.analysis.readers.results import CODES

    found = set()
    for path in _modules(PACKAGE / "analysis"):
        if "DocumentError(" not in path.read_text():
            continue
        tree = _parsed(path)
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DocumentError":
                code = node.args[0]
                if isinstance(code, ast.Name) and code.id not in constants:
                    # The readers of documents name it: ``readers/results.py`` has all of theirs.
                    found |= set(CODES)
                    continue
                found.add(str(constants[code.id] if isinstance(code, ast.Name) else ast.literal_eval(code)))
    return found


def _failures() -> list[str]:
    lines = [
        "",
        "## When a job or a training fails",
        "",
        "`Message` of its Describe call begins with one of these. [What each means and what to do]"
        f"(../troubleshooting.md#{_anchor(FAILED)}).",
        "",
        "| code | found by |",
        "|---|---|",
    ]
    return [*lines, *(f"| `{code}` | {' or '.join(sorted(by))} |" for code, by in sorted(failure_codes().items()))]


def _in_documents() -> list[str]:
    return [
        "",
        "## When a document cannot be analysed",
        "",
        "The job completes, and `ErrorCode` of the document's line has one of these. [What to do]"
        f"(../troubleshooting.md#{_anchor(IN_DOCUMENTS)}).",
        "",
        *(f"- `{code}`" for code in sorted(document_codes())),
    ]


def advised_codes(heading: str) -> list[str]:
    """Return the codes in the first column of a table of the troubleshooting page, in order."""
    section = TROUBLESHOOTING.read_text().partition(f"{heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.*?) \|", section, re.MULTILINE)
    return [code for row in rows for code in re.findall(r"`(\w+)`", row)]


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.removeprefix("## ").lower()).replace(" ", "-")
