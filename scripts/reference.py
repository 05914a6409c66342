"""Write the pages that are generated from the code: `make docs`. A test fails if one of them is out of date.

They are in docs/reference: settings.md, operations.md, errors.md (by error_codes.py), ec2.md, s3.md, reading-room.md,
differences.md and a page for each service (by differences.py), cli.md and tree.md. The console's kinds, by
console_kinds.py, are in console/src/kinds.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import typer.main

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "reading_room"


def settings_page() -> str:
    """Return the reference of the settings."""
    from reading_room.analysis.kinds import CONTAINER_BYTES
    from reading_room.settings import variables

    lines = [
        "# Settings",
        "",
        "Each is an environment variable. The options `--data`, `--port` and `--host` take precedence over theirs.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, (default, sentence) in variables(CONTAINER_BYTES).items():
        lines.append(f"| `{name}` | `{default}` | {sentence} |")
    return "\n".join(lines) + "\n"


def operations_page() -> str:
    """Return the operations of each service with the IAM action that each needs, and the unsupported ones."""
    import botocore

    from reading_room.wiring.product import operation_table

    rows: dict[str, dict[str, str]] = {}
    for bound in operation_table():
        facts = bound.facts
        action = f"`{facts.action}`" if facts.authorized else facts.decided_by or "none"
        if facts.passed_role is not None:
            action += f", `iam:PassRole` for `{facts.passed_role.service}`"
        rows.setdefault(facts.service, {})[facts.name] = action
    rows["s3"] = {name: _needs(name) for name in _s3_operations()}
    lines = [
        "# Operations",
        "",
        f"The supported operations of each service, out of those in its model in botocore {botocore.__version__}.",
        "Any other operation answers with AWS's own error for an unknown operation, and changes nothing.",
        "",
        "| service | supported operations | in the model |",
        "|---|---|---|",
    ]
    served = [service for service in sorted(rows) if service != "s3"] + ["s3"]
    for service in served:
        lines.append(f"| [{service}](#{service}) | {len(rows[service])} | {len(_modelled(service))} |")
    for service in served:
        lines += _operations_of(service, rows[service])
    return "\n".join(lines) + "\n"


def _modelled(service: str) -> list[str]:
    """Return the operations of a service's model: botocore's packaged one, or ours."""
    from botocore.loaders import Loader

    from reading_room import service_models
    from reading_room.aws.models import service_model

    if (service_models.FOLDER / service).is_dir():
        return sorted(service_model(service).operation_names)
    packaged = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    return sorted(packaged.load_service_model(service, "service-2")["operations"])


def _operations_of(service: str, there: dict[str, str]) -> list[str]:
    """Return the part of the page about one service; ``there`` has what each operation needs, by its name."""
    from reading_room.aws.spelling import unknown_operation

    names = _modelled(service)
    absent = [name for name in names if name not in there]
    lines = ["", f"## {service}", ""]
    if not absent:
        return [*lines, f"All {len(names)} operations of its model.", *_needed(there)]
    refusal = unknown_operation(service, absent[0])
    summary = f"The {len(absent)} that are not supported, which answer {refusal.status} {refusal.code}"
    lines += [f"{len(there)} of {len(names)} operations of botocore's model.", *_needed(there), ""]
    if service == "s3":
        lines += [
            "Some names are older names, or names for directory buckets, of a supported request: the",
            "[page on S3](s3.md) says which name counts.",
            "",
        ]
    lines += [
        f"<details><summary>{summary}</summary>",
        "",
        *(f"- {name}" for name in absent),
        "",
        "</details>",
    ]
    return lines


def _needed(there: dict[str, str]) -> list[str]:
    return ["", "| operation | needs |", "|---|---|", *(f"| {name} | {there[name]} |" for name in sorted(there))]


def _s3_operations() -> list[str]:
    from reading_room.s3.backends import embedded  # importing it fills the table
    from reading_room.s3.operations.table import OPERATIONS

    assert embedded.__name__
    return sorted(OPERATIONS)


def _needs(operation: str) -> str:
    """Return the IAM actions of an S3 operation, each with the object that it is decided on if that is another one."""
    from reading_room.s3.actions import requirements
    from reading_room.s3.addressing import Address

    if operation == "DeleteObjects":
        return "`s3:DeleteObject` for each key"
    headers = {"x-amz-copy-source": "/source/key"}
    found = requirements(operation, Address("bucket", "key"), {}, headers)
    return ", ".join(f"`{r.action}`" + (" on the source" if r.bucket == "source" else "") for r in found)


def s3_page() -> str:
    """Return the parameters of each operation in S3's model that have an effect, and those that are refused."""
    from botocore.model import StructureShape

    from reading_room.aws.models import service_model
    from reading_room.s3.operations.table import OPERATIONS

    model = service_model("s3")
    there = _s3_operations()
    lines = [
        "# S3, operation by operation",
        "",
        "A parameter that has no effect here is refused with `NotImplemented` before anything is done. So is a query",
        "name or an `x-amz-` header that an operation does not have, except query names that begin with `x-`.",
        "",
        "| operation | parameters with an effect | refused |",
        "|---|---|---|",
    ]
    for name in there:
        shape = model.operation_model(name).input_shape
        members = list(shape.members) if isinstance(shape, StructureShape) else []
        given = [member for member in members if OPERATIONS[name].gives_effect_to(member)]
        refused = [member for member in members if member not in given]
        lines.append(f"| {name} | {', '.join(given)} | {', '.join(refused)} |")
    absent = [name for name in model.operation_names if name not in there]
    lines += [
        "",
        "A browser's form (POST on a bucket) is handled as PutObject; OPTIONS is answered from the bucket's",
        "CORS rules.",
        "",
        "## Not implemented",
        "",
        "Each answers 501 `NotImplemented` and changes nothing. If it is an older name for the same request,",
        "the newer name counts.",
        "",
        *(f"- {name}" for name in absent),
    ]
    return "\n".join(lines) + "\n"


COMMON_TESTS = {
    "DryRun": "test_a_dry_run_of_any_operation_changes_nothing",
    "Filter": "test_every_filter_of_the_model_is_known_and_finds_nothing_for_an_unknown_value",
    "Filters": "test_every_filter_of_the_model_is_known_and_finds_nothing_for_an_unknown_value",
    "MaxResults": "test_the_pages_of_any_operation_add_up_to_the_whole_list",
    "NextToken": "test_the_pages_of_any_operation_add_up_to_the_whole_list",
}
"""Parameters that one test sends to all operations, in tests/api/test_ec2_every_operation.py."""


def ec2_page() -> str:
    """Return the effect of each EC2 operation and parameter, with a test that sends it, or its refusal."""
    from reading_room.aws.models import operation_model
    from reading_room.vpc.operations.binding import declarations
    from reading_room.vpc.operations.effects import REFUSED, effect_of

    sent = sending_tests()
    lines = [
        "# EC2, parameter by parameter",
        "",
        "Each parameter, its effect, and a test that sends it. A parameter that has no effect here is refused with",
        "`UnsupportedOperation` before anything is done, unless its value requests nothing (`false`, `0`, `[]`).",
        "",
        "## Refused operations",
        "",
        "Each answers `InvalidAction` and changes nothing. DescribeNetworkAcls shows the default network access",
        "list of each VPC, which allows everything.",
        "",
        "| what | operations |",
        "|---|---|",
        *(f"| {what} | {', '.join(names)} |" for what, names in REFUSED.items()),
        "",
        "Every other EC2 operation that is not listed below answers the same.",
    ]
    for declaration in declarations():
        model = operation_model("ec2", declaration.name)
        members = [] if model is None or model.input_shape is None else list(model.input_shape.members)
        declared = declaration.parameters | ({"DryRun"} & set(members))
        lines += ["", f"## {declaration.name}", ""]
        if declared:
            lines += ["| parameter | effect | test |", "|---|---|---|"]
        for name in sorted(declared):
            where = sent.get((declaration.name, name), "")
            lines.append(f"| {name} | {effect_of(declaration.name, name) or ''} | {where} |")
        refused = [name for name in members if name not in declared]
        if refused:
            lines += ["", f"Refused: {', '.join(sorted(refused))}."]
    return "\n".join(lines) + "\n"


@cache
def sending_tests() -> dict[tuple[str, str], str]:
    """Return, by operation and parameter, a link to the first test that sends the parameter."""
    from botocore import xform_name

    from reading_room.vpc.operations.binding import declarations

    found: dict[tuple[str, str], str] = {}
    by_method = {xform_name(declaration.name): declaration.name for declaration in declarations()}
    generic = "tests/api/test_ec2_every_operation.py"
    for operation in by_method.values():
        for parameter, name in COMMON_TESTS.items():
            found[operation, parameter] = f"[{name}](../../{generic})"
    candidates: list[tuple[bool, str, str, set[tuple[str, str]]]] = []
    for path in sorted((ROOT / "tests" / "api").glob("test_ec2_*.py")):
        module = ast.parse(path.read_text())
        functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
        constants = _keys([node for node in module.body if isinstance(node, ast.Assign | ast.AnnAssign)], by_method)
        sends = {node.name: _sent(node, by_method, constants) for node in functions}
        for test in functions:
            if test.name.startswith("test_"):
                used = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
                used |= {node.attr for node in ast.walk(test) if isinstance(node, ast.Attribute)}
                used |= {argument.arg for argument in test.args.args}
                keys = _keys([test], by_method)
                pairs = {
                    (operation, each)
                    for name in (test.name, *(used & set(sends)))
                    for operation, parameter in sends[name]
                    # A helper that passes on its arguments sends what the test writes.
                    for each in (keys if parameter == PASSED_ON else {parameter})
                }
                about_refusal = "refused" in test.name or path.name == "test_ec2_authorization.py"
                candidates.append((about_refusal, str(path.relative_to(ROOT)), test.name, pairs))
    # Prefer a test of a parameter's effect to a test of its refusal.
    for _, place, name, pairs in sorted(candidates, key=lambda candidate: candidate[0]):
        for pair in pairs:
            found.setdefault(pair, f"[{name}](../../{place})")
    return found


PASSED_ON = "**"


def _sent(function: ast.FunctionDef, by_method: dict[str, str], constants: set[str]) -> set[tuple[str, str]]:
    """Return the operations and parameters that a function of a test file sends, judging by its source."""
    sent: set[tuple[str, str]] = set()
    keys = _keys([function], by_method) | constants
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in by_method:
            operation = by_method[node.func.attr]
            sent |= {(operation, word.arg) for word in node.keywords if word.arg is not None}
            if any(word.arg is None for word in node.keywords):
                sent |= {(operation, key) for key in (*keys, PASSED_ON)}
        if isinstance(node, ast.Tuple) and node.elts and isinstance(node.elts[0], ast.Constant):
            operation = by_method.get(str(node.elts[0].value), "")
            sent |= {(operation, key) for key in _keys(node.elts[1:], by_method)}
    return sent


def _keys(nodes: Sequence[ast.AST], by_method: dict[str, str]) -> set[str]:
    """Return the keys of dictionary literals anywhere below some nodes, and the keyword arguments of helpers."""
    keys: set[str] = set()
    for node in (node for each in nodes for node in ast.walk(each)):
        if isinstance(node, ast.Dict):
            keys |= {str(key.value) for key in node.keys if isinstance(key, ast.Constant)}
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") not in by_method:
            keys |= {word.arg for word in node.keywords if word.arg is not None}
    return keys


def reading_room_page() -> str:
    """Return every operation of our own API with its parameters, answer and errors, from its model."""
    from reading_room.aws.models import SERVED, service_model
    from reading_room.wiring.product import operation_table

    served = SERVED["reading-room"]
    model = service_model(served.name)
    needed = {bound.facts.name: bound.facts for bound in operation_table() if bound.facts.service == served.name}
    lines = [
        "# The API reading-room, operation by operation",
        "",
        f"AWS JSON 1.1: `POST /` with `X-Amz-Target: {served.target_prefix}.OPERATION`, signed for the service",
        f"`{model.signing_name}`. [How to call it](../reading-room-api.md), and why it is there.",
        "Parameters in bold are required; members of an answer in bold are always present.",
    ]
    for name in sorted(needed):
        operation, facts = model.operation_model(name), needed[name]
        needs = f"`{facts.action}`" if facts.authorized else facts.decided_by
        lines += ["", f"## {name}", "", operation.documentation, "", f"Decided by: {needs}."]
        lines += _members_of("Request", operation.input_shape)
        lines += _members_of("Answer", operation.output_shape)
        lines += ["", "### Errors", ""]
        lines += [f"- `{shape.name}`: {shape.documentation}" for shape in operation.error_shapes]
    return "\n".join(lines) + "\n"


def _members_of(title: str, shape: Any) -> list[str]:
    rows = list(_rows_of(shape, ""))
    if not rows:
        return []
    return ["", f"### {title}", "", "| member | type | meaning |", "|---|---|---|", *rows]


def _rows_of(shape: Any, path: str) -> Iterator[str]:
    """Yield a row for each member of a structure, followed by the members of nested structures."""
    from botocore.model import ListShape, StructureShape

    for name, member in shape.members.items():
        inner, kind = member, member.type_name
        if isinstance(member, ListShape):
            inner, kind = member.member, f"list of {member.member.type_name}"
        allowed = getattr(inner, "enum", None)
        text = member.documentation + (f" One of {', '.join(f'`{each}`' for each in allowed)}." if allowed else "")
        shown = f"{path}{name}"
        yield f"| {f'**{shown}**' if name in shape.required_members else shown} | {kind} | {text} |"
        if isinstance(inner, StructureShape):
            yield from _rows_of(inner, f"{shown}{'[]' if inner is not member else ''}.")


def cli_page() -> str:
    """Return the help of every command."""
    from reading_room.cli.commands import app

    root = typer.main.get_command(app)
    lines = ["# Command line", ""]
    _command(root, ["reading-room"], lines)
    return "\n".join(lines).rstrip() + "\n"


def _command(command: Any, path: list[str], lines: list[str]) -> None:
    # Typer includes its own Click, whose types it does not publish.
    lines += [f"## {' '.join(path)}", "", (command.help or "").strip(), ""]
    options = [
        (", ".join(parameter.opts), getattr(parameter, "help", None) or "")
        for parameter in command.params
        if not getattr(parameter, "hidden", False) and parameter.name not in ("help", "install_completion")
    ]
    if options:
        lines += ["| option | meaning |", "|---|---|", *(f"| `{name}` | {text} |" for name, text in options), ""]
    for name, child in getattr(command, "commands", {}).items():
        if child.hidden:
            continue
        _command(child, [*path, name], lines)


def tree_page() -> str:
    """Return the tree of the product's packages and modules, each with the first sentence of its docstring."""
    lines = [
        "# The tree",
        "",
        "Every package and module of the product, with the first sentence of its docstring.",
        "[ARCHITECTURE.md](../../ARCHITECTURE.md) explains how they fit together.",
        "",
        "```",
        "src/reading_room/",
    ]
    _folder(PACKAGE, "  ", lines)
    return "\n".join([*lines, "```"]) + "\n"


def _folder(folder: Path, indent: str, lines: list[str]) -> None:
    for path in sorted(folder.iterdir(), key=lambda p: (p.is_dir(), p.name)):
        if path.is_dir() and (path / "__init__.py").exists():
            lines.append(f"{indent}{path.name + '/':<26}{_says(path / '__init__.py')}".rstrip())
            _folder(path, indent + "  ", lines)
        elif path.suffix == ".py" and path.name != "__init__.py":
            lines.append(f"{indent}{path.name:<26}{_says(path)}".rstrip())


def _says(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    first = text.split("\n\n")[0].replace("\n", " ")
    return first.split(". ")[0].rstrip(".").replace("``", "")


def pages() -> dict[Path, str]:
    """Return every generated page by its path."""
    # Tests load this file by its path, so its neighbours are not on the import path.
    if str(ROOT / "scripts") not in sys.path:
        sys.path.append(str(ROOT / "scripts"))
    import console_kinds
    import differences
    from error_codes import errors_page

    return differences.pages() | {
        ROOT / "docs" / "reference" / "settings.md": settings_page(),
        ROOT / "docs" / "reference" / "operations.md": operations_page(),
        ROOT / "docs" / "reference" / "errors.md": errors_page(),
        ROOT / "docs" / "reference" / "ec2.md": ec2_page(),
        ROOT / "docs" / "reference" / "s3.md": s3_page(),
        ROOT / "docs" / "reference" / "reading-room.md": reading_room_page(),
        ROOT / "docs" / "reference" / "cli.md": cli_page(),
        ROOT / "docs" / "reference" / "tree.md": tree_page(),
        ROOT / "console" / "src" / "kinds" / "rows.generated.ts": console_kinds.rows(),
        ROOT / "console" / "src" / "kinds" / "commands.generated.ts": console_kinds.commands(),
        ROOT / "console" / "src" / "kinds" / "formats.generated.ts": console_kinds.formats(),
    }


if __name__ == "__main__":
    for target, text in pages().items():
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text() != text:
            target.write_text(text)
            sys.stdout.write(f"wrote {target.relative_to(ROOT)}\n")
