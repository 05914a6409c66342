"""The S3 endpoint of a VPC, and of everyone."""
