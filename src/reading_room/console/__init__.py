"""The web console's origin: its built pages, where they are served, and whom they may speak with."""
