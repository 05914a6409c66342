"""Who may do what: users, roles and sessions, and the decisions about every call."""
