"""The built console is in the wheel, so that its installation needs no Node."""

from __future__ import annotations

import tomllib
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

from reading_room.console.files import STATIC, read_files

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_has_every_file_that_is_served() -> None:
    metadata = ProjectMetadata(str(ROOT), PluginManager(), tomllib.loads((ROOT / "pyproject.toml").read_text()))
    builder = WheelBuilder(str(ROOT), plugin_manager=metadata.plugin_manager, metadata=metadata)
    included = {file.distribution_path for file in builder.recurse_included_files()}
    assert "reading_room/console/application.py" in included
    served = {f"reading_room/console/static{path}" for path in read_files(STATIC)}
    assert served <= included
    later = STATIC / "assets" / "index-0a1b2c3d.js"
    assert builder.config.include_path(str(later.relative_to(ROOT)), is_package=True), "a build's file is left out"
