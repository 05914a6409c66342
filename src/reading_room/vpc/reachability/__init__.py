"""Network insights: paths between resources of a VPC, and the analysis of their reachability."""
