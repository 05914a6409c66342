"""Readers of documents: from the bytes of a file in any format to text, with its pages and blocks.

``read`` in ``reading.py`` recognises a format and calls its module. In a job it runs in a process of its own
(``process.py``), which has no network and a limit for everything, so a bad file costs only itself.
"""
