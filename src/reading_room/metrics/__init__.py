"""The page for Prometheus: what is counted while the product works, and what is read when it is asked for."""
