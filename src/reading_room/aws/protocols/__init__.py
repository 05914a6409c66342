"""One module per protocol, both directions each; values in, values out.

Each has ``operation_name``, ``parse``, ``serialize`` and ``serialize_error``; ``rest_xml``, whose operations are told
by path and host and whose bodies stream, has the last three in a form of its own.
"""
