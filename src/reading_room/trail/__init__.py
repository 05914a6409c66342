"""The trail: every call as a CloudTrail event, every denial with its reasons, in files that are only added to."""
