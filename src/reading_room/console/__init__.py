"""The web console's origin: its built pages, where they are served, and which APIs they may call."""
