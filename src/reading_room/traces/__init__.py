"""OpenTelemetry traces: spans made from what the server records anyway, and the process that sends them."""
