"""What ``reading-room doctor`` says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "weaker", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``weaker`` works with less protection; ``missing`` stops jobs."""

    what: str
    state: State
    says: str
    mend: str = ""
