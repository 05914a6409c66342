"""The console's tables of kinds and formats, in TypeScript, from what the product reads: part of `make docs`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from reading_room.analysis.event_types import TARGETS
from reading_room.analysis.formats import ANY, COLUMN_TAG, DOCUMENTS_TAG, FORMATS
from reading_room.analysis.kind import JobKind, Results
from reading_room.analysis.kinds import ANALYSES, JOB_KINDS
from reading_room.analysis.readers.results import Limits
from reading_room.cli.texts import OLD_SUFFIXES

WIDTH = 120
HEAD = "// Written by `make docs` from src/reading_room/analysis/kinds.py. Do not edit.\n"
FORMATS_HEAD = HEAD.replace("kinds.py", "formats.py")
SDK = "@aws-sdk/client-comprehend"

Value = str | int | bool | Sequence[str] | Mapping[str, "Value"]


def rows() -> str:
    """Return the module with the facts of each kind."""
    kinds = [kind.name for kind in JOB_KINDS]
    texts = [name for name, kind in ANALYSES.items() if kind.synchronous is not None]
    parts = [
        HEAD,
        'import type { JobRow, ResultRow, TextRow } from "./row";\n',
        _union("ResultKind", "The kinds of job, each with results of its own form.", kinds),
        _union("TextKindId", "The analyses that have synchronous operations.", texts),
        _list("JOB_ROWS", "JobRow", "Every kind of job, in the order in which people are offered them.", _job_rows()),
        _list("TEXT_ROWS", "TextRow", "Every analysis of a text at once, in the order of the tabs.", _text_rows()),
        "/** What each analysis finds. */\n"
        "export const RESULTS: Readonly<Record<ResultKind | TextKindId, ResultRow>> = "
        + _object({name: _results(kind.results) for name, kind in ANALYSES.items()}, "")
        + ";\n",
    ]
    return "\n".join(parts)


def commands() -> str:
    """Return the module with the SDK's commands of each kind."""
    jobs: dict[str, dict[str, str]] = {
        kind.name: {
            word: f"{operation}Command"
            for word, operation in (
                *(("Start", kind.start), ("Describe", kind.describe)),
                *(("List", kind.list), ("Stop", kind.stop)),
            )
            if operation is not None
        }
        for kind in JOB_KINDS
    }
    texts = {
        name: {"Detect": f"{kind.synchronous.detect}Command"}
        | ({"Batch": f"{kind.synchronous.batch}Command"} if kind.synchronous.batch else {})
        for name, kind in ANALYSES.items()
        if kind.synchronous is not None
    }
    names = sorted(command for kinds in (jobs, texts) for kind in kinds.values() for command in kind.values())
    imports = "".join(f"  {name},\n" for name in names)
    return "\n".join(
        [
            HEAD,
            f'import {{\n{imports}}} from "{SDK}";\n',
            f"/** The commands of each kind of job. */\nexport const JOB_COMMANDS = {_classes(jobs)};\n",
            f"/** The commands of each analysis of a text. */\nexport const TEXT_COMMANDS = {_classes(texts)};\n",
        ]
    )


def formats() -> str:
    """Return the module with the formats of documents, by the suffixes of their names."""
    rows: list[Mapping[str, Value]] = [
        {"name": each.name, "label": each.label, "suffixes": each.suffixes} for each in FORMATS
    ]
    names = [each.name for each in FORMATS]
    limit = Limits().file_bytes
    return "\n".join(
        [
            FORMATS_HEAD,
            _union("FormatName", "The formats of documents that jobs read.", names),
            "export interface FileFormat {\n"
            "  readonly name: FormatName;\n"
            '  /** What people call it, as in a list: "PDF", "plain text". */\n'
            "  readonly label: string;\n"
            "  readonly suffixes: readonly string[];\n"
            "}\n",
            _list("FORMATS", "FileFormat", "Every format, with the suffixes of its files.", rows),
            "/** The suffixes of formats of office programs before 2007, which are not read. */\n"
            f"export const OLD_SUFFIXES: readonly string[] = {_value(sorted(OLD_SUFFIXES), '')};\n",
            f"/** The most bytes of a file that is not plain text. */\nexport const FILE_BYTES = {limit:_};\n",
            "/** The tag of a job that reads documents of every format, and its only value. */\n"
            f"export const DOCUMENTS_TAG = {json.dumps(DOCUMENTS_TAG)};\n"
            f"export const ANY_DOCUMENTS = {json.dumps(ANY)};\n",
            "/** The tag that names the column of tables that is the text. */\n"
            f"export const COLUMN_TAG = {json.dumps(COLUMN_TAG)};\n",
        ]
    )


def _job_rows() -> Iterable[Mapping[str, Value]]:
    for kind in JOB_KINDS:
        row: dict[str, Value] = {
            "slug": kind.name,
            "label": kind.label,
            "description": kind.description,
            "operation": kind.start.removeprefix("Start").removesuffix("Job"),
            "arnType": kind.arn_type,
            "properties": kind.properties,
            "builtIn": bool(kind.engines),
            "languages": kind.languages,
        }
        if kind.documented_languages is not None:
            row["documentedLanguages"] = kind.documented_languages
        if TARGETS in kind.required:
            row["eventTypes"] = kind.required[TARGETS]
        row |= {name: True for name, is_so in _differences(kind).items() if is_so}
        yield row | _model(kind)


def _differences(kind: JobKind) -> Mapping[str, bool]:
    """Return how a kind may differ from others, each by the name of its flag."""
    return {
        "vpcTag": kind.vpc_tag,
        "redacts": "RedactionConfig" in kind.own,
        "folder": kind.output is not None and kind.output.objects,
    }


def _model(kind: JobKind) -> dict[str, Value]:
    model = kind.model
    if model is None:
        return {}
    facts: dict[str, Value] = {
        "member": model.member,
        "analysis": model.analysis,
        "label": model.label or kind.label,
        "description": model.description or kind.description,
    }
    return {"model": facts}


def _text_rows() -> Iterable[Mapping[str, Value]]:
    for name, kind in ANALYSES.items():
        if kind.synchronous is None:
            continue
        row: dict[str, Value] = {
            "id": name,
            "label": kind.synchronous.label,
            "detect": kind.synchronous.detect,
            **({"batch": kind.synchronous.batch} if kind.synchronous.batch else {}),
        }
        if kind.languages:
            row["languages"] = kind.languages
        row["textBytes"] = kind.synchronous.text_bytes
        yield row | ({"form": kind.synchronous.form} if kind.synchronous.form != "text" else {})


def _results(results: Results) -> Mapping[str, Value]:
    row: dict[str, Value] = {"layout": results.layout, "members": results.members}
    if results.type_member is not None:
        row["typeMember"] = results.type_member
    return row | {"one": results.one, "many": results.many, "type": results.type}


def _union(name: str, says: str, members: Sequence[str]) -> str:
    line = f"export type {name} = {' | '.join(map(json.dumps, members))};\n"
    if len(line) - 1 > WIDTH:
        line = f"export type {name} =" + "".join(f"\n  | {json.dumps(member)}" for member in members) + ";\n"
    return f"/** {says} */\n{line}"


def _list(name: str, of: str, says: str, items: Iterable[Mapping[str, Value]]) -> str:
    body = "".join(f"  {_object(item, '  ')},\n" for item in items)
    return f"/** {says} */\nexport const {name}: readonly {of}[] = [\n{body}];\n"


def _object(members: Mapping[str, Value], indent: str) -> str:
    lines = [_member(_key(name), value, indent + "  ") for name, value in members.items()]
    return "{\n" + "".join(lines) + indent + "}"


def _member(key: str, value: Value, indent: str) -> str:
    line = f"{indent}{key}: {_value(value, indent)},"
    if isinstance(value, list | tuple) and len(line) > WIDTH:
        items = "".join(f"{indent}  {_value(item, indent)},\n" for item in value)
        line = f"{indent}{key}: [\n{items}{indent}],"
    return f"{line}\n"


def _value(value: Value, indent: str) -> str:
    if isinstance(value, Mapping):
        return _object(value, indent)
    if isinstance(value, bool | int):
        return str(value).lower() if isinstance(value, bool) else f"{value:_}"
    return json.dumps(value, ensure_ascii=False)


def _classes(kinds: Mapping[str, Mapping[str, str]]) -> str:
    lines = []
    for name, words in kinds.items():
        inner = "".join(f"    {word}: {command},\n" for word, command in words.items())
        lines.append(f"  {_key(name)}: {{\n{inner}  }},\n")
    return "{\n" + "".join(lines) + "}"


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)
