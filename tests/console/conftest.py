"""The modules beside other tests that these use: raw bytes to and fro, and the S3 of a test."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "aws"))
sys.path.insert(0, str(Path(__file__).parents[1] / "end_to_end"))
