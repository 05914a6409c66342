"""Checks of the requests of a job's worker to S3: each as the role's session, on the network path of its packets.

A refusal belongs to the check of the policy that decided: the bucket's, the endpoint's, or else the role's own, which
is part of Input and Output. The policy of another account's bucket is not revealed, as in S3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Literal

from reading_room.analysis.formats import ANY, DOCUMENTS, DOCUMENTS_TAG, READER
from reading_room.analysis.job_file import DOCUMENT_SUFFIXES
from reading_room.arns import bucket_arn
from reading_room.comprehend.network.storage_policy import StepDecision
from reading_room.comprehend.network.storage_steps import Step
from reading_room.extension.checks import changes
from reading_room.extension.checks.check import Check, CheckName, Report, failed, passed, skipped, warned
from reading_room.extension.checks.commands import allow_role, run
from reading_room.jobs.places import location_of
from reading_room.jobs.tables import JobRow
from reading_room.s3.backend import Backend

_SIZES_LOOKED_AT = 100_000
"""The most objects whose sizes are added up."""
_KEYS_LOOKED_AT = 10_000
_DOCUMENTS_NAMED = 500
_CHECKS: dict[str, Literal["Input", "Output", "Model"]] = {
    "NO_READ_ACCESS_TO_INPUT": "Input",
    "NO_WRITE_ACCESS_TO_OUTPUT": "Output",
    "NO_ACCESS_TO_MODEL_BUCKET": "Model",
}


def check(
    report: Report,
    backend: Backend,
    job: JobRow,
    account: str,
    answers: Iterable[StepDecision],
    endpoint_id: str,
    parts: Sequence[StepDecision],
    opening: Check | None,
    elsewhere: str,
) -> None:
    """Add the checks for S3. ``endpoint_id`` is empty if the job's packets go through no VPC endpoint.

    ``parts`` are the answers to the additional requests of several containers; if refused, the job runs in one.
    ``opening`` is a warning about an endpoint policy that lets in others, used if it lets the job through.
    ``elsewhere`` is a VPC with which the policies would allow the job, if they refuse it as requested, or "".
    """
    answers = list(answers)
    places: dict[str, list[str]] = {"Input": [], "Output": [], "Model": []}
    # The results' folder gets the name of the job; the message has the requested place.
    written = f"s3://{location_of(job.output_uri).bucket}/{_folder(job)}"
    buckets: list[str] = []
    for answer in answers:
        if not answer.step.as_service:
            buckets.append(answer.step.place.bucket)
        name = _CHECKS[answer.step.code]
        place = f"s3://{answer.step.place.bucket}/{answer.step.place.key}"
        if not answer.decision.allowed:
            decided, refusal = _refused(backend, job, account, answer, name, place, endpoint_id)
            if elsewhere and not answer.step.as_service:
                refusal = _choose(refusal, elsewhere)
            elif decided == "EndpointPolicy":
                refusal = replace(refusal, changes=_endpoint_changes(endpoint_id, account, answers))
            report.add(decided, refusal)
            if decided != name:
                # Another policy decided first, so whether the role is allowed is unknown.
                report.add(name, skipped(f"{answer.step.action} on {place} is refused: see {decided}."))
        elif not answer.exists and name != "Model":
            report.add(name, _missing(backend, answer, place))
        elif place not in places[name]:
            places[name].append(place)
    for each in parts:
        if not each.decision.allowed:
            report.add("Output", _one_container(job, each))
    readable = passed(f"{job.role_arn} may list and read {', '.join(places['Input'])}.")
    report.add("Input", _too_large(backend, job, account) or _documents(backend, job, account) or readable)
    if places["Output"]:
        report.add("Output", passed(f"{job.role_arn} may write below {written}."))
    report.add("Output", skipped("The training writes only its model, which the service stores."))
    report.add("Model", _model(places["Model"]))
    report.add("BucketPolicy", passed(f"No policy of {', '.join(dict.fromkeys(buckets))} denies the job's requests."))
    if endpoint_id:
        through = passed(f"The policy of {endpoint_id} lets the job's requests through.", endpoint_id)
        report.add("EndpointPolicy", opening or through)
    else:
        report.add("EndpointPolicy", skipped("The job's requests go through no VPC endpoint."))


def _choose(refusal: Check, vpc_id: str) -> Check:
    """Return a refusal whose remedy is to choose a VPC rather than to loosen a policy."""
    remedy = (
        f"Choose the VPC {vpc_id} in the VPC settings, with its subnets and security groups: the policies require it."
    )
    return failed(refusal.message, remedy, resource_id=vpc_id)


def _endpoint_changes(endpoint_id: str, account: str, answers: Sequence[StepDecision]) -> tuple[changes.Change, ...]:
    """Return the changes that add what an endpoint's policy lacks; empty if a statement denies a request."""
    refused = [answer for answer in answers if not answer.decision.allowed and "endpoint" in answer.decision.by]
    if any(answer.decision.outcome == "explicitDeny" for answer in refused):
        return ()
    buckets = list(dict.fromkeys(answer.step.place.bucket for answer in refused if not answer.step.as_service))
    models = next((answer.step.place.bucket for answer in refused if answer.step.as_service), None)
    return changes.through_endpoint(endpoint_id, account, buckets, models)


def _model(places: Sequence[str]) -> Check:
    if not places:
        return skipped("The job has no custom model.")
    return passed("The custom model's artifact can be reached.", places[0])


def _refused(
    backend: Backend,
    job: JobRow,
    account: str,
    answer: StepDecision,
    name: CheckName,
    place: str,
    endpoint_id: str,
) -> tuple[CheckName, Check]:
    step, decision = answer.step, answer.decision
    facts = backend.bucket(step.place.bucket)
    foreign = facts is not None and facts.account != account and not step.as_service
    if "endpoint" in decision.by:
        message = f"{step.sentence} The policy of {endpoint_id} does not let {step.action} on {place} through."
        arns = [bucket_arn(step.place.bucket), bucket_arn(step.place.bucket, "*")]
        remedy = f"Let the policy of {endpoint_id} allow {step.action} on {', '.join(arns)}, and not deny it."
        command = run("aws", "ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", endpoint_id)
        return "EndpointPolicy", failed(message, remedy, command, endpoint_id)
    if foreign:
        message = f"{step.sentence} {step.action} on {place}: access denied."
        remedy = (
            f"{step.place.bucket} belongs to another account: a policy of the role and the bucket's own policy must "
            "both allow it."
        )
        return name, failed(message, remedy, resource_id=step.place.bucket)
    message = f"{step.sentence} {decision.message(quote_resource=True)} [{decision.reasons()}]"
    if "resource" in decision.by and decision.outcome == "explicitDeny":
        remedy = f"Change the statement of the policy of {step.place.bucket} that denies it."
        command = run("aws", "s3api", "get-bucket-policy", "--bucket", step.place.bucket)
        return "BucketPolicy", failed(message, remedy, command, step.place.bucket)
    if step.as_service:
        return name, failed(message, resource_id=step.place.bucket)
    if decision.outcome == "explicitDeny":
        remedy = "Change the statement that denies it."
        return name, failed(message, remedy, resource_id=job.role_arn)
    remedy = f"Add a policy to the role that allows {step.action}."
    grant = _grant(job, step)
    return name, failed(message, remedy, allow_role(*grant), job.role_arn, [changes.allow_role(*grant)])


def _grant(job: JobRow, step: Step) -> tuple[str, list[str], list[str], str]:
    """Return the role, actions, resources and name of a policy that allows reading the input or writing the output."""
    place = step.place
    if step.code == "NO_READ_ACCESS_TO_INPUT":
        objects = bucket_arn(place.bucket, f"{place.key}*" if place.key else "*")
        resources = [bucket_arn(place.bucket), objects]
        return job.role_arn, ["s3:ListBucket", "s3:GetObject"], resources, "reading-room-input"
    objects = bucket_arn(place.bucket, f"{_folder(job)}*")
    return job.role_arn, ["s3:PutObject", "s3:GetObject"], [objects], "reading-room-output"


def _folder(job: JobRow) -> str:
    """Return the prefix below which a job writes, without the job's own folder, whose name is not known yet."""
    return "".join(f"{part}/" for part in location_of(job.output_uri).key.split("/")[:-3])


def _missing(backend: Backend, answer: StepDecision, place: str) -> Check:
    bucket = answer.step.place.bucket
    if backend.bucket(bucket) is None:
        command = run("aws", "s3api", "create-bucket", "--bucket", bucket)
        return failed(f"The bucket {bucket} does not exist.", "Create the bucket, or use another one.", command, bucket)
    if answer.step.action != "s3:ListBucket":
        return passed(f"{place} may be written.")
    command = run("aws", "s3", "ls", f"s3://{bucket}/")
    return failed(
        f"No object's key begins with {place}.", "Put documents there, or use another place.", command, bucket
    )


def _too_large(backend: Backend, job: JobRow, account: str) -> Check | None:
    """Return the failure for an input that is larger than the job's limit, or ``None``."""
    place = location_of(job.input_uri)
    facts = backend.bucket(place.bucket)
    if job.is_training or facts is None or facts.account != account:
        return None
    size = backend.size_below(place.bucket, place.key, _SIZES_LOOKED_AT)
    if size <= job.total_limit:
        return None
    message = f"{job.input_uri} has {size:,} bytes, but the limit for such a job is {job.total_limit:,}."
    return failed(message, "Split it, and start several jobs.", resource_id=job.input_uri)


def _documents(backend: Backend, job: JobRow, account: str) -> Check | None:
    """Return a warning that names the PDF and Word documents in an input, or ``None`` if there are none.

    A job that asks for documents of every kind gets no warning.
    """
    place = location_of(job.input_uri)
    facts = backend.bucket(place.bucket)
    if job.is_training or facts is None or facts.account != account or {DOCUMENTS, READER} & set(job.request):
        return None
    found = [
        key
        for key in backend.keys_below(place.bucket, place.key, _KEYS_LOOKED_AT)
        if PurePosixPath(key).suffix.lower() in DOCUMENT_SUFFIXES
    ]
    if not found:
        return None
    more = f", and {len(found) - _DOCUMENTS_NAMED:,} more" if len(found) > _DOCUMENTS_NAMED else ""
    named = ", ".join(key[place.key.rfind("/") + 1 :] for key in found[:_DOCUMENTS_NAMED])
    message = f"The job reads only text, so PDF and Word documents get an error instead of a result: {named}{more}."
    remedy = f"Give the job the tag {DOCUMENTS_TAG}={ANY} and the InputFormat ONE_DOC_PER_FILE."
    return warned(message, remedy, resource_id=job.input_uri)


def _one_container(job: JobRow, answer: StepDecision) -> Check:
    return warned(
        f"The job's containers cannot share results: {answer.decision.message(quote_resource=True)} "
        f"[{answer.decision.reasons()}]. It would run in one container.",
        "Add a policy to the role that allows s3:GetObject and s3:PutObject on the results.",
        allow_role(*_grant(job, answer.step)),
        job.role_arn,
        [changes.allow_role(*_grant(job, answer.step))],
    )
