"""State events: what changed its state, in EventBridge's form, and the delivery of these events."""
