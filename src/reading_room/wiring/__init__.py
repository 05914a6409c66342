"""The composition root: settings go in, the wired product comes out. Only this package knows all others."""
