"""The API reading-room: what its console needs to know and AWS's APIs cannot say, signed and authorized as they are."""
