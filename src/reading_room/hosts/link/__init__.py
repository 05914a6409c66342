"""The link: the unprivileged process of a joined host that connects its agent to ``serve`` on another machine."""
