"""The process between a VPC and the server: only it reads what a VPC sends, and it passes on typed records."""
