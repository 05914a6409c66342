"""The data perimeter of an installation: which of its controls hold, for which bucket, role and endpoint."""
