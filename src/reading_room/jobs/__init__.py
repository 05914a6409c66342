"""Durable jobs, whatever they analyse: a state machine, its rows, and the loop that moves them."""
