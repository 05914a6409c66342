"""``reading-room doctor``: what this machine can enforce, what is missing, and the command that fixes it."""

from __future__ import annotations

import ctypes
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from reading_room import landlock
from reading_room.agent import holder as holders
from reading_room.agent.errors import AgentError
from reading_room.analysis import tesseract
from reading_room.cli.doctor_finding import Finding
from reading_room.cli.doctor_installation import (
    analysis_finding,
    disk_finding,
    events_finding,
    ids_finding,
    models_finding,
    schema_finding,
)
from reading_room.cli.options import DataOption, PortOption, command, read_settings
from reading_room.cli.screen import output as console
from reading_room.console.files import read_files
from reading_room.console.listen_address import console_url
from reading_room.containers.limits import ControlGroups
from reading_room.hosts.listen_addresses import ListenAddressError, listen_addresses
from reading_room.settings import Settings

# Checked at the paths from which they are run, never along PATH, which the user could point elsewhere.
PROGRAMS = (
    ("/usr/bin/bwrap", "bubblewrap", "containers"),
    ("/usr/bin/prlimit", "util-linux", "limits of containers"),
    ("/bin/bash", "bash", "starting containers"),
    ("/usr/bin/env", "coreutils", "starting containers"),
    ("/usr/bin/nsenter", "util-linux", "entering namespaces"),
    ("/usr/bin/unshare", "util-linux", "making namespaces"),
    ("/usr/bin/mount", "mount", "making namespaces"),
)
PROOF_SECONDS = 60


def diagnose(settings: Settings) -> list[Finding]:
    """Check everything that the product needs on this machine. No change outlives the call."""
    results = [
        _mode(),
        *(_program(Path(path), package, use) for path, package, use in PROGRAMS),
        _library("libnftables.so.1", "libnftables1", "security groups and routes"),
        _library("libseccomp.so.2", "libseccomp2", "system call filters of containers"),
        _user_namespaces(),
        _landlock(),
        _container_users(settings),
        ids_finding(settings),
        _limits(settings),
        analysis_finding(),
        models_finding(),
        _recognition(),
        disk_finding(settings),
        schema_finding(settings),
        events_finding(settings),
        listen_address_finding(settings),
        console_finding(settings),
    ]
    findings = [finding for finding in results if finding is not None]
    if not any(finding.state == "missing" for finding in findings):
        findings.append(_enforcement())
    return findings


def doctor(
    data: DataOption = None,
    port: PortOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Show what this machine can enforce, what is missing, and the command that fixes it."""
    findings = diagnose(read_settings(data, port))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _show(findings)
    raise typer.Exit(1 if any(finding.state == "missing" for finding in findings) else 0)


def _show(findings: list[Finding]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    marks = {"ok": "[green]ok[/]", "weaker": "[yellow]weaker[/]", "missing": "[red]missing[/]"}
    for finding in findings:
        table.add_row(marks[finding.state], f"[bold]{finding.what}[/]", finding.says)
        if finding.mend:
            table.add_row("", "", f"[dim]fix:[/] {finding.mend}")
    console.print(table)
    missing = sum(finding.state == "missing" for finding in findings)
    console.print(
        f"\n[red]{missing} missing: no job will run.[/]" if missing else "\n[green]Jobs can run on this machine.[/]"
    )


def _install(package: str) -> str:
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get install --no-install-recommends {package}"


def _mode() -> Finding:
    user = pwd.getpwuid(os.geteuid()).pw_name if _known(os.geteuid()) else str(os.geteuid())
    if os.geteuid() == 0:
        return Finding("mode", "ok", "root: the agent keeps it; serve and every container drop to their own user ids")
    return Finding("mode", "ok", f"rootless, as {user}: everything runs in a user namespace")


def _known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _program(path: Path, package: str, use: str) -> Finding:
    if not os.access(path, os.X_OK):
        return Finding(path.name, "missing", f"{path} does not exist; needed for {use}", _install(package))
    return Finding(path.name, "ok", f"{path}, for {use}")


def _library(name: str, package: str, use: str) -> Finding:
    try:
        ctypes.CDLL(name)
    except OSError:
        return Finding(name, "missing", f"cannot be loaded; needed for {use}", _install(package))
    return Finding(name, "ok", f"for {use}")


def _user_namespaces() -> Finding:
    if not os.access("/usr/bin/unshare", os.X_OK):
        return Finding("user namespaces", "missing", "cannot be tried without unshare", _install("util-linux"))
    if _runs(["/usr/bin/unshare", "--user", "/bin/true"]):
        return Finding("user namespaces", "ok", "allowed")
    says = "refused by the kernel; containers and rootless mode need them"
    for path, value, mend in (
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
        ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
         "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
        ("/proc/sys/user/max_user_namespaces", "0", "sudo sysctl user.max_user_namespaces=10000"),
    ):  # fmt: skip
        if Path(path).exists() and Path(path).read_text().strip() == value:
            return Finding("user namespaces", "missing", f"{says} ({path} is {value})", mend)
    return Finding("user namespaces", "missing", says, "start Reading Room outside the container that forbids them")


def _landlock() -> Finding:
    what = "Landlock"
    try:
        if landlock.version():
            return Finding(what, "ok", landlock.description())
    except OSError as error:
        return Finding(what, "missing", f"the kernel has it, but a call failed: {error}")
    isolation = "user ids" if os.geteuid() == 0 else "namespaces"
    says = f"{landlock.description()}: only {isolation} isolate serve"
    return Finding(what, "weaker", says, "use a kernel of 5.13 or later, booted with lsm=landlock,…")


def _container_users(settings: Settings) -> Finding:
    what = "container users"
    if os.geteuid() == 0:
        first, count = settings.container_uid_first, settings.container_uid_count
        return Finding(what, "ok", f"user ids {first} to {first + count - 1}, one for each container")
    user = pwd.getpwuid(os.geteuid()).pw_name if _known(os.geteuid()) else str(os.geteuid())
    if shutil.which("newuidmap") is None:
        says = "newuidmap not found: containers share your own user id on the host (never 0)"
        return Finding(what, "weaker", says, _install("uidmap"))
    ranges = Path("/etc/subuid").read_text().splitlines() if Path("/etc/subuid").exists() else []
    if not any(line.split(":")[0] in (user, str(os.geteuid())) for line in ranges):
        says = f"no range for {user} in /etc/subuid: containers share your own user id on the host (never 0)"
        mend = f"sudo usermod --add-subuids 200000-265535 --add-subgids 200000-265535 {user}"
        return Finding(what, "weaker", says, mend)
    return Finding(what, "ok", "a user id of the subordinate range for each container")


def _limits(settings: Settings) -> Finding:
    groups = ControlGroups.probe()
    in_force = ", ".join(groups.in_force())
    if {"memory", "pids", "cpu"} <= set(groups.parents):
        return Finding("limits", "ok", in_force)
    says = f"in force: {in_force or 'none'}; the rest needs a control group that this user can write"
    user = "" if os.geteuid() == 0 else "--user "
    mend = f"systemd-run {user}--scope -p Delegate=yes {command(settings, 'up')}"
    return Finding("limits", "weaker", says, mend)


def _recognition() -> Finding:
    """Say whether text in images can be read, and in which languages."""
    what = "OCR"
    if tesseract.find_program() is None:
        says = "tesseract is not installed: images and scanned pages have errors, all other documents are read"
        return Finding(what, "weaker", says, _install("tesseract-ocr"))
    known = ", ".join(tesseract.installed())
    if not known:
        return Finding(what, "weaker", "tesseract has no data of any language", _install("tesseract-ocr-eng"))
    says = f"text in images, by tesseract, in {known}; packages such as tesseract-ocr-deu add others"
    return Finding(what, "ok", says)


def listen_address_finding(settings: Settings) -> Finding:
    """Show where the APIs would listen, or why `up` would refuse to listen there."""
    what = "addresses"
    try:
        return Finding(what, "ok", " and ".join(listen_address.url for listen_address in listen_addresses(settings)))
    except ListenAddressError as error:
        return Finding(what, "missing", f"up would not start: {error}")


def console_finding(settings: Settings) -> Finding:
    """Show where the web console would be, or why `up` would refuse to serve it there."""
    try:
        url = console_url(settings)
    except ListenAddressError as error:
        return Finding("console", "missing", f"up would not start: {error}")
    if url is None:
        return Finding("console", "ok", "off: READING_ROOM_CONSOLE_PORT is 0")
    if not read_files():
        return Finding("console", "weaker", f"{url} has no pages: they are not built in this checkout", "make console")
    return Finding("console", "ok", url)


def _enforcement() -> Finding:
    """Build a scratch VPC and check that one packet passes and another does not."""
    what = "enforcement"
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder) / "agent"
        runtime.mkdir(mode=0o700)
        try:
            holder = holders.start(runtime, rootless=os.geteuid() != 0)
        except AgentError as error:
            return Finding(what, "missing", f"the namespaces cannot be created: {error}")
        try:
            argv = [sys.executable, "-m", "reading_room", "agent", "--data", folder, "--prove"]
            proof = subprocess.run(
                holders.enter_argv(holder, argv),
                capture_output=True,
                text=True,
                timeout=PROOF_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Finding(what, "missing", f"the scratch VPC gave no proof within {PROOF_SECONDS} s")
        finally:
            holders.end(holder, runtime)
    lines = proof.stdout.strip() or proof.stderr.strip()[-400:]
    if proof.returncode != 0:
        return Finding(what, "missing", f"the scratch VPC did not enforce: {lines}")
    return Finding(what, "ok", lines.replace("\n", "; "))


def _runs(argv: list[str]) -> bool:
    run: Callable[..., subprocess.CompletedProcess[bytes]] = subprocess.run
    try:
        return run(argv, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
