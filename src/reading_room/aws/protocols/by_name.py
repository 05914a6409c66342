"""The protocol modules of all services but S3, by the names that ``ServedService.protocol`` has."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from reading_room.aws.protocols import ec2, json, query

PROTOCOLS: Mapping[str, ModuleType] = {"json": json, "query": query, "ec2": ec2}
