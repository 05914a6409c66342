"""The operations of the API reading-room, one class per noun."""
