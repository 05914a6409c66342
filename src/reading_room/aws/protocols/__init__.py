"""The protocols, a module for each, with both directions as functions of values.

Each module has ``operation_name``, ``parse``, ``serialize`` and ``serialize_error``. ``rest_xml`` has the last three in
a form of its own, because path and host determine its operations and its bodies stream.
"""
