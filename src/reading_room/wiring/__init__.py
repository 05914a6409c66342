"""The composition root: settings in, the wired product out. The one package that knows everybody."""
