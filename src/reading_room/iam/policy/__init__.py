"""The policy language: parsed documents and decisions on requests. Pure: no clock, no database, no network."""
