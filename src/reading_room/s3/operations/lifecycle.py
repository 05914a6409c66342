"""The lifecycle configuration of a bucket, and what writes and reads say about it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from reading_room.s3 import buckets
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.errors import MalformedXML
from reading_room.s3.lifecycle import subject_of
from reading_room.s3.lifecycle_configuration import ALL_128K, check_minimum, shown_rules, stored_rules
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.storage import Storage
from reading_room.s3.tables import S3Object, S3Upload
from reading_room.s3.unconfigured import NoSuchLifecycleConfiguration
from reading_room.s3.versions import StoredVersion


@s3_operation("PutBucketLifecycleConfiguration", "LifecycleConfiguration TransitionDefaultMinimumObjectSize")
def put_bucket_lifecycle_configuration(store: Storage, request: S3Request) -> S3Response:
    """Replace the rules, which take effect within a minute.

    The default minimum size of transitions is stored and returned. Both of its values mean the same for the storage
    classes that there are here.
    """
    configuration = request.parameters.get("LifecycleConfiguration")
    if configuration is None:
        raise MalformedXML
    minimum = check_minimum(request.parameters.get("TransitionDefaultMinimumObjectSize", ALL_128K))
    stored = {"rules": stored_rules(configuration.get("Rules", [])), "minimum": minimum}
    with store.database.transaction() as session:
        buckets.set_setting(buckets.find(session, request.bucket or ""), buckets.LIFECYCLE, stored)
    return respond(request, {"TransitionDefaultMinimumObjectSize": minimum})


@s3_operation("GetBucketLifecycleConfiguration")
def get_bucket_lifecycle_configuration(store: Storage, request: S3Request) -> S3Response:
    """Return the rules as they were put, with an id for each."""
    with store.database.reading() as session:
        stored = buckets.setting(buckets.find(session, request.bucket or ""), buckets.LIFECYCLE)
    if stored is None:
        raise NoSuchLifecycleConfiguration(request.bucket or "")
    return respond(
        request, {"Rules": shown_rules(stored["rules"]), "TransitionDefaultMinimumObjectSize": stored["minimum"]}
    )


@s3_operation("DeleteBucketLifecycle")
def delete_bucket_lifecycle(store: Storage, request: S3Request) -> S3Response:
    """Remove the rules. Nothing expires from then on."""
    with store.database.transaction() as session:
        buckets.remove_setting(buckets.find(session, request.bucket or ""), buckets.LIFECYCLE)
    return respond(request)


def expiration(store: Storage, row: StoredVersion) -> dict[str, Any]:
    """Return when an object expires and by which rule, under botocore's member name; empty if it does not.

    Versions that are not current have no such time.
    """
    lifecycle = store.lifecycle(row.bucket)
    expiry = None if lifecycle is None or not isinstance(row, S3Object) else lifecycle.expiry(subject_of(row))
    if expiry is None:
        return {}
    date = expiry.at.strftime("%a, %d %b %Y %H:%M:%S GMT")
    return {"Expiration": f'expiry-date="{date}", rule-id="{quote(expiry.rule_id, safe="")}"'}


def abortion(store: Storage, upload: S3Upload) -> dict[str, Any]:
    """Return when an upload is aborted and by which rule, under botocore's member names; empty if it is not."""
    lifecycle = store.lifecycle(upload.bucket)
    found = None if lifecycle is None else lifecycle.abortion(upload.key.decode(), upload.initiated)
    return {} if found is None else {"AbortDate": found.at, "AbortRuleId": quote(found.rule_id, safe="")}
