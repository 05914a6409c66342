"""The models of our own services, in botocore's layout, so that AWS_DATA_PATH may name this folder."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
"""What botocore's loaders take as one more place to look for services."""
