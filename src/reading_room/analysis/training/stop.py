"""How a training ends early."""


class Stopped(Exception):
    """The training was asked to stop: it makes no model."""
