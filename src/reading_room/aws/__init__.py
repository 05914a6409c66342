"""The wire: what is the same for every AWS service."""
