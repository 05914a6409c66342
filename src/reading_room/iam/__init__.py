"""Users, roles and sessions, and the authorization of every call."""
