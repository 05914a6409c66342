"""Events of companies in English texts: triggers, arguments with roles, and groups of mentions."""
