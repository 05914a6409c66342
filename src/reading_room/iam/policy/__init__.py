"""The policy language: parsing documents and deciding requests. Pure: no clock, no database, no network."""
