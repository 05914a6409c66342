"""Custom models: their requests, lifecycle, resource policies and stored metadata."""
