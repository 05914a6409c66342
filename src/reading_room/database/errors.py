"""Errors of databases that cannot be used."""

from __future__ import annotations


class SchemaError(Exception):
    """A database cannot be used; the message says what to do."""
