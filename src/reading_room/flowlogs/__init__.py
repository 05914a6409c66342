"""VPC flow logs: from packets that were seen to records that are delivered."""
