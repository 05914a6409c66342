"""Run all measurements that need only this machine, or the named ones. Figures go to bench/RESULTS.md."""

from __future__ import annotations

import argparse
import ast
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

ORDER = (
    *(
        "service",
        "jobs",
        "kinds",
        "flywheels",
        "programs",
        "distributed",
        "many_jobs",
        "realtime",
        "endpoints",
        "network",
        "vpc",
        "flow_logs",
    ),
    *("between_hosts", "s3", "wire", "database", "floods", "policies", "engines", "documents", "shares", "fixtures"),
    *("metrics", "first_up", "kms"),
)
BY_HAND = (
    *("growth", "large", "years", "console", "beside_moto", "backup", "upgrade", "postgresql", "leader"),
    *("many_hosts", "hosts"),
)
"""Benches that run only if named, because they take too long or need more than the others."""
FOLDER = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benches named on the command line, or all of ``ORDER``."""
    chosen = _parser().parse_args(arguments)
    if chosen.help:
        print(_help(chosen.names))
        return 0
    for name in chosen.names or ORDER:
        importlib.import_module(f"bench.{name}").main()
    print("\nNext: compare with bench/RESULTS.md of the machine you know (git diff shows what this run added).")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__, add_help=False)
    parser.add_argument("names", metavar="NAME", nargs="*", type=_bench, help="A bench; by default all of them.")
    parser.add_argument("-h", "--help", action="store_true", help="List the benches, or say what one measures.")
    return parser


def _bench(name: str) -> str:
    if name not in (*ORDER, *BY_HAND):
        raise argparse.ArgumentTypeError(f"no bench {name}: expected one of {', '.join((*ORDER, *BY_HAND))}")
    return name


def _help(names: Sequence[str]) -> str:
    """Return what the named benches measure, or a list of all, without importing any."""
    if names:
        return "\n\n".join(f"{name}: {_docstring(name)}" for name in names)
    rows = [f"  {name:<12} {_docstring(name).splitlines()[0]}" for name in ORDER]
    by_hand = [f"  {name:<12} {_docstring(name).splitlines()[0]}" for name in BY_HAND]
    usage = _parser().format_help().rstrip()
    return "\n".join([usage, "", "benches:", *rows, "", "run only when they are named:", *by_hand])


def _docstring(name: str) -> str:
    return ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text("utf-8"))) or ""


if __name__ == "__main__":
    sys.exit(main())
