"""A finding of ``reading-room doctor``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "weaker", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    ``weaker`` works with less protection, or reads fewer documents; with ``missing``, no job can run.
    """

    what: str
    state: State
    says: str
    mend: str = ""
