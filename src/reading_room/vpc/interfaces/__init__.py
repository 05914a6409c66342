"""Network interfaces, their addresses and permissions, and the interfaces of jobs."""
