"""Recall profiles: they are stored, listed, deleted and made the default by their own account alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reading_room.analysis.recall_profile import engine_version
from reading_room.comprehend.pii_profiles import PROFILES_PER_ACCOUNT
from reading_room.comprehend.tables import PiiProfileRow
from reading_room.trail.requests import with_request_id
from tests.worlds.extension import ACCOUNT, OTHER_ACCOUNT, REGION, ExtensionWorld, allow, refusal
from tests.worlds.recall_profiles import profile_members, profile_text

pytestmark = pytest.mark.costs(0.4, reason="the whole product is made, with a network, a bucket and a role")

ARN = f"arn:aws:reading-room:{REGION}:{ACCOUNT}:pii-profile/claims"


def put(world: ExtensionWorld, name: str = "claims", **changes: Any) -> dict[str, Any]:
    """Store a profile and return how it is described."""
    return dict(world.room().put_pii_profile(Name=name, Content=profile_text(**changes))["PiiProfile"])


def make_stale(world: ExtensionWorld, name: str = "claims") -> None:
    """Let a stored profile hold for another engine, as after an upgrade."""
    with world.database.transaction() as session:
        row = session.get_one(PiiProfileRow, (ACCOUNT, name))
        row.content = json.dumps(profile_members(Engine="pii-en 0123456789abcdef"))


def test_a_profile_is_stored_described_listed_and_deleted(world: ExtensionWorld) -> None:
    room = world.room()
    stored = put(world)
    created = stored.pop("CreatedAt")
    assert f"{created:%Y-%m-%d %H:%M}" == "2026-11-30 21:05"
    assert stored == {
        "Name": "claims",
        "Arn": ARN,
        "Default": False,
        "Stale": False,
        "StoredAt": world.now,
        "LanguageCode": "en",
        "Recall": 0.98,
        "Confidence": 0.95,
        "SampleDocuments": 300,
        "SampleSHA256": "0" * 64,
        "Engine": engine_version("en"),
        "Types": [{"Type": "NAME", "Threshold": 0.6, "Documents": 200}],
    }
    assert room.describe_pii_profile(Name="claims")["PiiProfile"] == stored | {"CreatedAt": created}
    put(world, "another", LanguageCode="es")
    assert put(world, Recall=0.9)["Recall"] == 0.9
    listed = room.list_pii_profiles()["PiiProfiles"]
    assert [(each["Name"], each["LanguageCode"], each["Recall"]) for each in listed] == [
        ("another", "es", 0.98),
        ("claims", "en", 0.9),
    ]
    room.delete_pii_profile(Name="claims")
    for call in (room.describe_pii_profile, room.delete_pii_profile, room.set_default_pii_profile):
        code, message = refusal(call, Name="claims")
        assert (code, f"The account {ACCOUNT} has no recall profile claims" in message) == (
            "PiiProfileNotFoundException",
            True,
        )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{]", "it is no JSON in UTF-8"),
        (json.dumps(profile_members({"NAMES": 0.5})), "NAMES, which is no type of personal data"),
        (json.dumps(profile_members({"ALL": 0.5})), "ALL, which is no type"),
        (json.dumps(profile_members(Engine="pii-en 0123456789abcdef")), "calibrate` again"),
        (json.dumps(profile_members(Recall=2)), "Recall must be a number between 0 and 1"),
    ],
)
def test_what_is_no_profile_of_the_present_engine_is_refused(world: ExtensionWorld, content: str, says: str) -> None:
    code, message = refusal(world.room().put_pii_profile, Name="claims", Content=content)
    assert (code, says in message) == ("InvalidPiiProfileException", True), message
    assert world.room().list_pii_profiles()["PiiProfiles"] == []


def test_each_language_has_at_most_one_default(world: ExtensionWorld) -> None:
    room = world.room()
    for name, language in (("one", "en"), ("two", "en"), ("tres", "es")):
        put(world, name, LanguageCode=language)
        assert room.set_default_pii_profile(Name=name)["PiiProfile"]["Default"]
        room.set_default_pii_profile(Name=name)

    def defaults() -> set[str]:
        return {each["Name"] for each in room.list_pii_profiles()["PiiProfiles"] if each["Default"]}

    assert defaults() == {"two", "tres"}
    # It stays the default if it is stored again, and cannot get lost by accident.
    assert put(world, "two", LanguageCode="en")["Default"]
    for call, parameters in (
        (room.put_pii_profile, {"Content": profile_text(LanguageCode="es")}),
        (room.delete_pii_profile, {}),
    ):
        code, message = refusal(call, Name="two", **parameters)
        assert (code, "default for en" in message) == ("PiiProfileInUseException", True)
    for _ in range(2):
        room.clear_default_pii_profile(LanguageCode="en")
    assert defaults() == {"tres"}
    room.delete_pii_profile(Name="two")


def test_a_profile_of_an_earlier_engine_is_shown_as_stale_and_cannot_become_the_default(world: ExtensionWorld) -> None:
    put(world)
    make_stale(world)
    assert world.room().describe_pii_profile(Name="claims")["PiiProfile"]["Stale"]
    code, message = refusal(world.room().set_default_pii_profile, Name="claims")
    assert (code, "0123456789abcdef" in message) == ("InvalidPiiProfileException", True)


def test_an_account_has_a_limit_and_profiles_of_its_own(world: ExtensionWorld) -> None:
    stranger = world.room(world.user("stranger", allow("*"), account=OTHER_ACCOUNT))
    put(world)
    assert stranger.list_pii_profiles()["PiiProfiles"] == []
    assert refusal(stranger.describe_pii_profile, Name="claims")[0] == "PiiProfileNotFoundException"
    with world.database.transaction() as session:
        for number in range(PROFILES_PER_ACCOUNT - 1):
            row = PiiProfileRow(account=ACCOUNT, name=f"p{number}", content=profile_text(), stored_at=world.now)
            session.add(row)
    code, message = refusal(world.room().put_pii_profile, Name="more", Content=profile_text())
    assert (code, "delete one" in message) == ("LimitExceededException", True)
    put(world)
    stranger.put_pii_profile(Name="more", Content=profile_text())


def test_policies_name_profiles_by_their_arns(world: ExtensionWorld) -> None:
    put(world, "other")
    clerk = world.room(world.user("clerk", allow("reading-room:*", resource=ARN)))
    stored = clerk.put_pii_profile(Name="claims", Content=profile_text())
    clerk.set_default_pii_profile(Name="claims")
    for call, parameters in (
        (clerk.describe_pii_profile, {"Name": "other"}),
        (clerk.put_pii_profile, {"Name": "other", "Content": profile_text()}),
        (clerk.delete_pii_profile, {"Name": "other"}),
        (clerk.set_default_pii_profile, {"Name": "other"}),
        (clerk.list_pii_profiles, {}),
        (clerk.clear_default_pii_profile, {"LanguageCode": "en"}),
    ):
        assert refusal(call, **parameters)[0] == "AccessDeniedException"
    world.product.access.trail.flush()
    folder = world.product.access.trail.folder
    (event,) = with_request_id(folder, "management", stored["ResponseMetadata"]["RequestId"], 1 << 20)
    assert (event["eventName"], event["requestParameters"]["name"]) == ("PutPiiProfile", "claims")


def test_a_job_s_run_tells_its_bound_and_the_preflight_refuses_what_the_call_would(world: ExtensionWorld) -> None:
    put(world)
    tags = [{"Key": "reading-room:pii-profile", "Value": "claims"}]
    request = world.request(VpcConfig=None, Mode="ONLY_OFFSETS", Tags=tags)
    operation = "StartPiiEntitiesDetectionJob"
    assert world.checks(operation=operation, request=request)["Request"]["Status"] == "PASSED"
    job = world.client("comprehend").start_pii_entities_detection_job(**request)["JobId"]
    world.room().delete_pii_profile(Name="claims")
    (run,) = world.room().describe_job_runs(JobIds=[job])["JobRuns"]
    bound = run["PiiProfile"]
    assert (bound["Name"], bound["Recall"], bound["Confidence"], bound["SampleDocuments"]) == (
        "claims",
        0.98,
        0.95,
        300,
    )
    assert (bound["Engine"], f"{bound['CreatedAt']:%Y-%m-%d}") == (engine_version("en"), "2026-11-30")
    assert bound["Types"] == [{"Type": "NAME", "Threshold": 0.6, "Documents": 200}]
    checked = world.checks(operation=operation, request=request)["Request"]
    assert (checked["Status"], "no recall profile" in checked["Message"]) == ("FAILED", True)
