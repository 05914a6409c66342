"""Pure functions from a ``NetworkSpec`` to the kernel's rules, and the checks on them."""
