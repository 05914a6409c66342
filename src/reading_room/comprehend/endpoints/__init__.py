"""Model endpoints, which answer synchronous calls with a custom model."""
