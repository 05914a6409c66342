"""The policy language: parse a document, decide a request. Pure: no clock, no database, no network."""
