"""The Comprehend API: its operations, their rules, and how a job's network is prepared."""
