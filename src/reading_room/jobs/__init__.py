"""Durable jobs of every kind: a state machine, its rows, and the loop that advances them."""
