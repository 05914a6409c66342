"""The EC2 API for VPCs: its operations, their rules and errors, and the network that they define."""
