"""The S3 operations that the embedded backend implements, each under its AWS name."""
