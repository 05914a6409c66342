"""The exception that ends a training early."""


class Stopped(Exception):
    """The training was stopped, and makes no model."""
