"""Tests of backups: consistent, incremental, verified, and restored elsewhere."""
