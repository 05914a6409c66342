"""The process between a VPC and the server: it alone reads what a VPC sends, and hands on typed records."""
