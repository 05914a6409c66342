"""The operations of KMS, which translate the wire."""
