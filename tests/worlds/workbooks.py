"""Workbooks that the product wrote, as their cells."""

from __future__ import annotations

import zipfile
from pathlib import Path

from defusedxml.ElementTree import fromstring

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def sheets_of(path: Path) -> list[list[list[str]]]:
    """Return the cells of each sheet of a workbook, none of which is a formula."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith("xl/worksheets/sheet"))
        sheets = [fromstring(archive.read(name)) for name in names]
        assert not any("hyperlinks" in name or "externalLinks" in name for name in archive.namelist())
    for sheet in sheets:
        assert sheet.find(f".//{SHEET}f") is None
        assert sheet.find(f".//{SHEET}hyperlink") is None
    return [[["".join(cell.itertext()) for cell in row] for row in sheet.iter(f"{SHEET}row")] for sheet in sheets]
