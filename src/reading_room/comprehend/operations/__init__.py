"""Comprehend's operations: each translates a request into a call of one function, and the result into a response."""
