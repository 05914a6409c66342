"""The exception that ends a training early."""


class Stopped(Exception):
    """The training was asked to stop, and makes no model."""
