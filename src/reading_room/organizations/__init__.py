"""The AWS Organizations API: the organization of an installation's accounts, and the policies that bind them."""
