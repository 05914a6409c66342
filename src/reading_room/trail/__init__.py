"""The trail: every call as a CloudTrail event, and every denial with its reasons, in append-only files."""
