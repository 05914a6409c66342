"""The operations on the wire: each checks nothing itself, calls one function, and returns a structure."""
