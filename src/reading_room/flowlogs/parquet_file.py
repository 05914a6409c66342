"""Records as an Apache Parquet file, written by a child process for each file.

The library takes about 60 MB and is needed briefly each minute, so no long-running process loads it. The child runs
this module as a program that reads a plain-text file of records and writes the Parquet file.

The columns are the fields in the format's order, with underscores for hyphens and the types that AWS documents (VPC
User Guide, "Flow log records"). A value that does not apply is null in a column of numbers and ``-`` in one of
strings.
"""

from __future__ import annotations

import io
import subprocess
import sys

INT_32 = frozenset({"version", "srcport", "dstport", "protocol", "tcp-flags", "traffic-path", "encryption-status"})
"""Fields that are 32-bit integers."""
INT_64 = frozenset({"packets", "bytes", "start", "end"})
"""Fields that are 64-bit integers; all others are strings."""
_MOST_SECONDS = 120


class ParquetFailed(RuntimeError):
    """The child process wrote no file; the message is its last line of output."""


def from_text(text: bytes) -> bytes:
    """Convert a plain-text file of records, with the fields' names in the first line, to Parquet.

    Raises ``ParquetFailed``, also if the child takes longer than two minutes.
    """
    command = [sys.executable, "-m", "reading_room.flowlogs.parquet_file"]
    try:
        child = subprocess.run(command, input=text, capture_output=True, timeout=_MOST_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ParquetFailed(f"records could not be written as Parquet: {error}") from error
    if child.returncode != 0:
        said = child.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ParquetFailed(f"records could not be written as Parquet: {said or f'exit code {child.returncode}'}")
    return child.stdout


def _encode(text: str) -> bytes:
    """Return the Parquet file. Only the child process calls this."""
    import pyarrow  # Imported here because only the child needs it.
    from pyarrow import parquet

    head, *lines = text.splitlines()
    names = head.split(" ")
    values = dict(zip(names, zip(*(line.split(" ") for line in lines), strict=True), strict=True))
    columns = {}
    # A format may repeat a field, but a Parquet file has each column once.
    for name in dict.fromkeys(names):
        if name in INT_32 | INT_64:
            numbers = [None if value == "-" else int(value) for value in values[name]]
            column = pyarrow.array(numbers, pyarrow.int32() if name in INT_32 else pyarrow.int64())
        else:
            column = pyarrow.array(values[name], pyarrow.string())
        columns[name.replace("-", "_")] = column
    out = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), out, compression="gzip")
    return out.getvalue()


if __name__ == "__main__":
    sys.stdout.buffer.write(_encode(sys.stdin.buffer.read().decode()))
