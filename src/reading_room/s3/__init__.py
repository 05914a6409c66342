"""S3, as it is served inside each VPC and at the public address."""
