"""The API reading-room: what the console needs beyond AWS's APIs, signed and authorized like them."""
