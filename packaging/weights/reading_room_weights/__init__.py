"""The weights of Reading Room's engines: a folder for each, described in ``MANIFEST.toml``."""
