"""Converting S3 URIs of requests to the locations of workers."""

from __future__ import annotations

from reading_room.analysis.job_file import Location, parts_beside

SCHEME = "s3://"


def location_of(uri: str) -> Location:
    """Split ``s3://bucket/key``; the key is empty if the URI names only a bucket.

    Raises ``ValueError`` for anything that is not such a URI.
    """
    if not uri.startswith(SCHEME):
        raise ValueError(f"not an S3 URI: {uri!r}")
    bucket, _, key = uri[len(SCHEME) :].partition("/")
    if not bucket:
        raise ValueError(f"no bucket in {uri!r}")
    return Location(bucket, key)


def output_location(prefix: str, account: str, token: str, job_id: str, name: str = "output.tar.gz") -> str:
    """Return the URI of a job's output: ``<prefix>/<account>-<TOKEN>-<JobId>/output/<name>``.

    With an empty name it is a folder, for the jobs that write an object for each input file. Exactly one slash joins
    the two, whether or not the prefix ends in one.
    """
    return f"{prefix.rstrip('/')}/{account}-{token}-{job_id}/output/{name}"


def is_folder(output: Location) -> bool:
    """Return whether a job's output is a folder of objects, rather than an archive."""
    return output.key.endswith("/")


def parts_of(output: Location) -> Location:
    """Return the location of the parts of a distributed job's results: a prefix beside its output."""
    return Location(output.bucket, parts_beside(output.key))
