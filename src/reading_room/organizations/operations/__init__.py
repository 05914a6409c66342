"""The operations of AWS Organizations."""
