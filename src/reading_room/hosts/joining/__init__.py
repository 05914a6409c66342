"""Joining: a new host proves a token to ``serve``, and gets a certificate, a number and the authority for hosts."""
