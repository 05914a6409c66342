"""Change the decision code at random and count the changes that no test notices: ``make mutants``.

The decision code is that of the import contract "Decisions are pure". mutmut makes the mutants: it reads all of
Python's syntax, leaves annotations alone, and changes arguments, operators, numbers, strings, assignments and cases.
We do not use its own runner, because it skips decorated functions and everything outside functions, which here is a
sixth of all mutants, including all base chains and tables. The alternative was cosmic-ray, which does not recognize
annotations, and reads ``match`` only through its parser's error recovery.

A first run records each test's time and the lines that it executes. Then each mutant gets its own process, forked
from one that has imported everything except our own code. It runs the tests that execute the mutated statement, the
fastest first, until one fails. Property tests try the same examples each time, and do not shrink failures.
The sources on disk are never changed.

Usage: ``scripts/mutants.py [--seed N] [--count 300] [--only reading_room.iam]``. The same seed draws the same mutants
while the decision code and mutmut's version stay the same.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import importlib
import importlib.util
import json
import multiprocessing
import os
import random
import resource
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

CONTRACT = "Decisions are pure"
SOURCES = Path("src")
TESTS = (
    *("tests/jobs/test_jobs_state_machine.py", "tests/jobs/test_jobs_members_machine.py"),
    *("tests/iam", "tests/aws", "tests/conformance", "tests/dataplane"),
)
"""The pure tests of the decision code: files and folders."""
OF_THE_TESTS = "tests/dataplane/test_dataplane_mutations.py::test_an_error_of_the_compiler_is_noticed"
"""This test makes mutants too, of a ruleset, to measure a comparison that the other tests make as well."""
PURE = "not network and not e2e and not chaos and not fuzz and not boot"
PATIENCE_FACTOR, PATIENCE_SECONDS = 4.0, 30.0
"""A mutant's limit of processor time: this multiple of its tests' time without the mutant, plus these seconds."""
STUCK_SECONDS = 300
"""Seconds after which a waiting test is taken to hang, even on a slow machine."""
MEMORY_BYTES = 4 * 1024**3


@dataclass(frozen=True)
class Mutant:
    """One changed source file."""

    path: Path
    source: str

    @property
    def module(self) -> str:
        """The module's name."""
        parts = self.path.relative_to(SOURCES).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def line(self) -> int:
        """The first line that differs."""
        old, new = self.path.read_text().splitlines(), self.source.splitlines()
        differing = (number for number, pair in enumerate(zip(old, new, strict=False), 1) if pair[0] != pair[1])
        return next(differing, min(len(old), len(new)))

    def diff(self) -> str:
        """Return the change as a unified diff without context."""
        old, new = self.path.read_text().splitlines(), self.source.splitlines()
        return "\n".join(list(difflib.unified_diff(old, new, lineterm="", n=0))[2:])


def decision_files() -> list[Path]:
    """Return the files of the modules that the import contract names."""
    contracts = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    modules = next(each["source_modules"] for each in contracts if each["name"] == CONTRACT)
    places = [SOURCES / name.replace(".", "/") for name in modules]
    return [
        file
        for place in places
        for file in (sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")])
    ]


# Making them: in the environment that has mutmut.


def make(seed: int, count: int, only: str) -> Iterator[Mutant]:
    """Yield a random selection of the mutants that mutmut makes of the decision code."""
    from mutmut.mutation.file_mutation import create_mutations

    made = []
    for path in decision_files():
        if Mutant(path, "").module.startswith(only):
            module, mutations, *_ = create_mutations(str(path), path.read_text())
            made += [(path, module, each) for each in mutations if not _is_prose(each.original_node)]
    print(f"{len(made)} mutants in all", file=sys.stderr)
    chance = random.Random(seed)  # nosec B311 # repeatable, and not a secret
    for path, module, mutation in chance.sample(made, min(count, len(made))):
        yield Mutant(path, module.deep_replace(mutation.original_node, mutation.mutated_node).code)


def _is_prose(node: Any) -> bool:
    """Return whether this is a string of several words: that is text for people, whose wording no test should fix."""
    return " " in str(getattr(node, "raw_value", ""))


def made_elsewhere(python: str, seed: int, count: int, only: str) -> list[Mutant]:
    """Return the mutants that the interpreter ``python``, which has mutmut, makes."""
    command = [python, __file__, "--make", "--seed", str(seed), "--count", str(count), "--only", only]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [Mutant(Path(path), source) for path, source in map(json.loads, lines)]


# Running the tests: in forked processes.


def in_child(work: Callable[[], Any], seconds: float) -> Any:
    """Return the result of ``work`` in a separate process, or ``None`` if it takes more processor time than allowed."""

    def child(answer: Connection) -> None:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        answer.send(work())
        # Do not wait for threads that tests left running.
        os._exit(0)

    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=child, args=(sender,))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return None
    finally:
        process.join()


def run_pytest(paths: Sequence[str], plugin: object) -> int:
    """Run tests in this process."""
    import pytest

    quiet = ["-q", "-p", "no:cacheprovider", "--tb=no", f"--timeout={STUCK_SECONDS}", "-m", PURE]
    return int(pytest.main([*quiet, f"--deselect={OF_THE_TESTS}", *paths], plugins=[plugin, _Repeatable()]))


class _Repeatable:
    """A pytest plugin that makes property tests try the same examples each time and stop at the first failure."""

    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", settings(), derandomize=True, database=None, phases=phases)
        settings.load_profile("mutants")


@dataclass(frozen=True)
class Knowledge:
    """The results of the first run."""

    seconds: dict[str, float]
    """Processor seconds of each test."""
    seen: dict[str, dict[int, list[str]]]
    """The tests that execute a line, by file and line; ``""`` stands for code outside any test, mostly imports."""
    modules: list[str]
    """The modules that the tests import, except our own."""

    def tests_for(self, mutant: Mutant) -> list[str]:
        """Return the tests that may notice a mutant, fastest first.

        A statement that runs when its module is imported concerns all tests that execute anything in the file. If
        there is none, as for modules with nothing but tables, it concerns all that execute anything in the same folder.
        """
        file = mutant.path.resolve()
        lines = self.seen.get(str(file), {})
        first, last = statement_around(mutant.path.read_text(), mutant.line)
        tests = {test for line in range(first, last + 1) for test in lines.get(line, ())}
        if "" in tests or not tests:
            tests = self.executing([file]) or self.executing(file.parent.rglob("*.py"))
        return sorted(tests - {""}, key=lambda test: self.seconds[test])

    def executing(self, files: Iterable[Path]) -> set[str]:
        """Return the tests that execute anything in these files."""
        lines = [found for file in files for found in self.seen.get(str(file), {}).values()]
        return {test for found in lines for test in found} - {""}


def statement_around(source: str, line: int) -> tuple[int, int]:
    """Return the first and last line of the statement that a line belongs to; for a compound one, of its head."""
    # Inner statements come after outer ones.
    around = [head for node in ast.walk(ast.parse(source)) if (head := _head(node))[0] <= line <= head[1]]
    return around[-1] if around else (line, line)


def _head(node: ast.AST) -> tuple[int, int]:
    match node:
        case ast.match_case(pattern=pattern, guard=guard):
            return pattern.lineno, (guard or pattern).end_lineno or 0
        case ast.Match(lineno=first, subject=subject):
            return first, subject.end_lineno or 0
        case ast.stmt(lineno=first) | ast.ExceptHandler(lineno=first):
            body = getattr(node, "body", None)
            return first, max(first, body[0].lineno - 1) if body else node.end_lineno or 0
        case _:
            return 0, 0


def first_run() -> Knowledge | None:
    """Run all tests without a mutant; ``None`` if one fails."""
    import pytest
    from coverage import Coverage

    watch = Coverage(data_file=None, include=[str(path.resolve()) for path in decision_files()])
    seconds: dict[str, float] = {}

    class Watching:
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_protocol(self, item: Any) -> Generator[None, object, object]:
            watch.switch_context(item.nodeid)
            before = time.process_time()
            result = yield
            seconds[item.nodeid] = time.process_time() - before
            watch.switch_context("")
            return result

    before = set(sys.modules)
    watch.start()
    failed = run_pytest(TESTS, Watching())
    watch.stop()
    if failed:
        return None
    data = watch.get_data()
    seen = {file: data.contexts_by_lineno(file) for file in data.measured_files()}
    return Knowledge(seconds, seen, [name for name in sys.modules if name not in before and not _ours(name)])


def _ours(module: str) -> bool:
    return module.split(".")[0] in ("reading_room", "tests")


class _Mutated(SourceFileLoader):
    """An importer that loads a module from a mutant's source."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(mutant.path.resolve()))
        self.source = mutant.source

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source, self.path, "exec", dont_inherit=True)


def noticed_by(mutant: Mutant, knowledge: Knowledge, wanted: Sequence[str]) -> str | None:
    """Return the first of the tests ``wanted`` that fails with a mutant, in this process, or ``None``."""
    rank = {test: place for place, test in enumerate(wanted)}
    noticed: list[str] = []

    class Chosen:
        def pytest_collection_modifyitems(self, items: list[Any]) -> None:
            # The mutant may change the tests' parameters: run tests that exist only with it, too.
            chosen = [item for item in items if item.nodeid in rank or item.nodeid not in knowledge.seconds]
            items[:] = sorted(chosen, key=lambda item: rank.get(item.nodeid, len(rank)))

        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.failed:
                noticed.append(report.nodeid)

    sys.meta_path.insert(0, _Mutated(mutant))
    failed = run_pytest(["--exitfirst", *sorted({test.partition("::")[0] for test in wanted})], Chosen())
    return next(iter(noticed), "import") if failed else None


def outcome(mutant: Mutant, knowledge: Knowledge) -> tuple[str, str]:
    """Return a mutant's fate, and the test that decided it."""
    wanted = knowledge.tests_for(mutant)
    patience = PATIENCE_SECONDS + PATIENCE_FACTOR * sum(knowledge.seconds[test] for test in wanted)
    answer = in_child(lambda: (noticed_by(mutant, knowledge, wanted),), patience)
    if answer is None:
        return "timed out", f"after {patience:.0f} s"
    (test,) = answer
    return ("killed", f"by {test}") if test else ("survived", f"{len(wanted)} tests")


def main() -> None:
    """Draw the mutants, run them one by one, and print the fate of each, and the survivors."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31), help="seed of the draw")
    parser.add_argument("--count", type=int, default=300, help="number of mutants")
    parser.add_argument("--only", default="", help="prefix of the modules' names")
    parser.add_argument("--tool", default=sys.executable, help="interpreter that has mutmut")
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.make:
        for mutant in make(given.seed, given.count, given.only):
            print(json.dumps([str(mutant.path), mutant.source]))
        return
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets influences the examples of property tests.
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, *sys.argv])  # nosec B606 # deliberately without a shell
    print(f"seed {given.seed}", flush=True)
    mutants = made_elsewhere(given.tool, given.seed, given.count, given.only)
    knowledge = in_child(first_run, 3600)
    if knowledge is None:
        sys.exit("The tests do not pass without a mutant.")
    for module in knowledge.modules:
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    totals: Counter[str] = Counter()
    survivors = []
    for number, mutant in enumerate(mutants, 1):
        what, how = outcome(mutant, knowledge)
        totals[what] += 1
        print(f"{number:4} {what:9} {mutant.path}:{mutant.line} {how}", flush=True)
        if what == "survived":
            survivors.append(mutant)
    for mutant in survivors:
        print(f"\n{mutant.path}:{mutant.line}\n{mutant.diff()}")
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\nseed {given.seed}: {len(mutants)} mutants, {dict(totals)}, {spent.ru_utime + spent.ru_stime:.0f} s")


if __name__ == "__main__":
    main()
