"""The wire: everything that is the same for all AWS services."""
