"""Network insights paths and analyses: creating, finding, limiting, refusing and deleting them."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from reading_room.vpc.quotas import Quotas
from reading_room.vpc.reachability import insights
from reading_room.vpc.tables import NetworkInsightsAnalysis
from tests.worlds.ec2 import ACCOUNT, EVERYTHING, REGION, Ec2World, code_of, message_of
from tests.worlds.insights import Net

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_ec2 import EC2Client

HEADER_FILTERS = ("source-address", "source-port-range", "destination-address", "destination-port-range")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ec2World]:
    """An account in which every test has its own network."""
    world = Ec2World(tmp_path_factory.mktemp("insights"))
    yield world
    world.close()


@pytest.fixture
def net(shared: Ec2World) -> Net:
    """A new VPC."""
    return Net(shared)


def test_a_path_is_described_as_it_was_requested(net: Net) -> None:
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/{net.receiver}"
    at_source: Any = {"DestinationPortRange": {"FromPort": 22, "ToPort": 23}, "SourceAddress": net.address(net.sender)}
    specification: Any = [{"ResourceType": "network-insights-path", "Tags": [{"Key": "Name", "Value": "ssh"}]}]
    path_id = net.ec2.create_network_insights_path(
        Source=net.sender,
        Destination=arn,
        # In AWS's own example it is in capitals.
        Protocol=cast(Any, "TCP"),
        FilterAtSource=at_source,
        TagSpecifications=specification,
        ClientToken="shown",
    )["NetworkInsightsPath"]["NetworkInsightsPathId"]
    (path,) = net.ec2.describe_network_insights_paths(NetworkInsightsPathIds=[path_id])["NetworkInsightsPaths"]
    assert path["NetworkInsightsPathArn"].endswith(f":network-insights-path/{path_id}")
    assert (path["Source"], path["Destination"], path["DestinationArn"]) == (net.sender, net.receiver, arn)
    assert path["FilterAtSource"] == at_source
    assert path["Tags"] == [{"Key": "Name", "Value": "ssh"}]
    for name, value in (
        ("destination", net.receiver),
        ("filter-at-source.destination-port-range", "22"),
        ("filter-at-source.source-address", net.address(net.sender)),
        ("protocol", "tcp"),
        ("source", net.sender),
        ("tag:Name", "ssh"),
    ):
        wanted: Any = [{"Name": name, "Values": [value]}, {"Name": "source", "Values": [net.sender]}]
        found = net.ec2.describe_network_insights_paths(Filters=wanted)["NetworkInsightsPaths"]
        assert [each["NetworkInsightsPathId"] for each in found] == [path_id], name
    never: Any = [{"Name": f"filter-at-destination.{name}", "Values": ["1"]} for name in HEADER_FILTERS]
    none = net.ec2.describe_network_insights_paths(Filters=never)
    assert none["NetworkInsightsPaths"] == []


def test_a_path_can_be_deleted_only_after_its_analyses(net: Net) -> None:
    path_id = net.path(net.sender, net.receiver)
    analysis = net.analysis(path_id)["NetworkInsightsAnalysisId"]
    with pytest.raises(ClientError) as caught:
        net.ec2.delete_network_insights_path(NetworkInsightsPathId=path_id)
    assert code_of(caught.value) == "AnalysisExistsForNetworkInsightsPath"
    assert analysis in message_of(caught.value)
    net.ec2.delete_network_insights_analysis(NetworkInsightsAnalysisId=analysis)
    assert net.ec2.delete_network_insights_path(NetworkInsightsPathId=path_id)["NetworkInsightsPathId"] == path_id
    for call, parameters, expected in (
        (net.ec2.delete_network_insights_path, {"NetworkInsightsPathId": path_id}, "PathId.NotFound"),
        (net.ec2.delete_network_insights_path, {"NetworkInsightsPathId": "nip-1"}, "PathId.Malformed"),
        (net.ec2.delete_network_insights_analysis, {"NetworkInsightsAnalysisId": analysis}, "AnalysisId.NotFound"),
        (
            net.ec2.describe_network_insights_analyses,
            {"NetworkInsightsAnalysisIds": ["nia-1"]},
            "AnalysisId.Malformed",
        ),
    ):  # fmt: skip
        with pytest.raises(ClientError) as caught:
            call(**parameters)
        assert code_of(caught.value) == f"InvalidNetworkInsights{expected}"


def test_a_repeated_client_token_creates_one_path_and_one_analysis(net: Net) -> None:
    arguments: Any = {"Source": net.sender, "Destination": net.receiver, "Protocol": "tcp", "ClientToken": "one"}
    first, again = (net.ec2.create_network_insights_path(**arguments)["NetworkInsightsPath"] for _ in range(2))
    assert first == again
    with pytest.raises(ClientError) as caught:
        net.ec2.create_network_insights_path(**{**arguments, "Protocol": "udp"})
    assert code_of(caught.value) == "IdempotentParameterMismatch"
    start: Any = {"NetworkInsightsPathId": first["NetworkInsightsPathId"], "ClientToken": "two"}
    started = [net.ec2.start_network_insights_analysis(**start)["NetworkInsightsAnalysis"] for _ in range(2)]
    assert len({each["NetworkInsightsAnalysisId"] for each in started}) == 1


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"Source": "i-0123456789abcdef0"}, "NetworkInsightsSource.NotFound"),
        ({"Source": "eni-0123456789abcdef0"}, "NetworkInsightsSource.NotFound"),
        ({"Source": "arn:aws:ec2:us-east-1:999999999999:network-interface/eni-1"}, "NetworkInsightsSource.NotFound"),
        ({"Destination": "igw-0123456789abcdef0"}, "NetworkInsightsDestination.NotFound"),
        ({"DestinationPort": 22, "FilterAtSource": {"SourceAddress": "10.0.0.1"}}, "InvalidParameterCombination"),
        ({"SourceIp": "10.0.0.1", "FilterAtSource": {"SourceAddress": "10.0.0.1"}}, "InvalidParameterCombination"),
        (
            {"DestinationIp": "10.0.0.1", "FilterAtDestination": {"SourceAddress": "10.0.0.1"}},
            "InvalidParameterCombination",
        ),
        ({"FilterAtSource": {"DestinationPortRange": {"FromPort": 9, "ToPort": 8}}}, "InvalidParameterValue"),
        ({"SourceIp": "10.0.0.999"}, "InvalidParameterValue"),
    ],
)
def test_an_invalid_path_is_refused(net: Net, more: dict[str, Any], expected: str) -> None:
    arguments: Any = {"Source": net.sender, "Destination": net.receiver, "Protocol": "tcp", "ClientToken": "x", **more}
    with pytest.raises(ClientError) as caught:
        net.ec2.create_network_insights_path(**arguments)
    assert code_of(caught.value) == expected


def test_a_path_needs_a_destination_and_other_accounts_are_refused(net: Net) -> None:
    with pytest.raises(ClientError) as caught:
        net.path(net.sender)
    assert code_of(caught.value) == "MissingParameter"
    with pytest.raises(ClientError) as caught:
        net.analysis(net.path(net.sender, net.receiver), AdditionalAccounts=["111122223333"])
    assert code_of(caught.value) == "UnsupportedOperation"
    unsent: list[Any] = [{"FilterInArns": ["nat"]}, {"FilterOutArns": ["nat"]}]
    for filters in unsent:
        with pytest.raises(ClientError) as caught:
            net.ec2.start_network_insights_analysis(
                NetworkInsightsPathId=net.path(net.sender, net.receiver), ClientToken=str(filters), **filters
            )
        assert code_of(caught.value) == "InvalidParameterValue"


def test_analyses_are_found_by_path_result_and_time(net: Net) -> None:
    path_id = net.path(net.sender, net.receiver)
    specification: Any = [{"ResourceType": "network-insights-analysis", "Tags": [{"Key": "k", "Value": "v"}]}]
    first = net.ec2.start_network_insights_analysis(
        NetworkInsightsPathId=path_id, TagSpecifications=specification, ClientToken="found"
    )["NetworkInsightsAnalysis"]
    net.allow(net.receiver_group, 443, cidr="10.0.0.0/8")
    second = net.analysis(path_id)

    def found(**more: Any) -> list[str]:
        shown = net.ec2.describe_network_insights_analyses(NetworkInsightsPathId=path_id, **more)
        return [each["NetworkInsightsAnalysisId"] for each in shown["NetworkInsightsAnalyses"]]

    one, two = first["NetworkInsightsAnalysisId"], second["NetworkInsightsAnalysisId"]
    assert sorted(found()) == sorted([one, two])
    assert found(Filters=[{"Name": "path-found", "Values": ["true"]}]) == [two]
    assert sorted(found(Filters=[{"Name": "status", "Values": ["succeeded"]}])) == sorted([one, two])
    assert found(Filters=[{"Name": "tag:k", "Values": ["v"]}]) == [one]
    now = dt.datetime.now(dt.UTC)
    assert found(AnalysisStartTime=now + dt.timedelta(hours=1)) == []
    assert found(AnalysisEndTime=now - dt.timedelta(hours=1)) == []
    page = net.ec2.describe_network_insights_analyses(NetworkInsightsPathId=path_id, MaxResults=1)
    rest = net.ec2.describe_network_insights_analyses(
        NetworkInsightsPathId=path_id, MaxResults=1, NextToken=page["NextToken"]
    )
    assert "NextToken" not in rest
    paths = net.ec2.describe_network_insights_paths(MaxResults=1)
    more = net.ec2.describe_network_insights_paths(MaxResults=100, NextToken=paths["NextToken"])
    assert more["NetworkInsightsPaths"]


def test_an_analysis_is_kept_for_120_days(net: Net) -> None:
    path_id = net.path(net.sender, net.receiver)
    analysis = net.analysis(path_id)["NetworkInsightsAnalysisId"]
    with net.world.database.transaction() as session:
        row = session.get_one(NetworkInsightsAnalysis, analysis)
        row.started_at -= insights.KEPT + dt.timedelta(seconds=1)
    assert net.ec2.describe_network_insights_analyses(NetworkInsightsPathId=path_id)["NetworkInsightsAnalyses"] == []
    with pytest.raises(ClientError, match="does not exist"):
        net.ec2.describe_network_insights_analyses(NetworkInsightsAnalysisIds=[analysis])
    net.ec2.delete_network_insights_path(NetworkInsightsPathId=path_id)


def test_an_analysis_fails_if_its_caller_lacks_permission_to_describe(net: Net) -> None:
    path_id = net.path(net.sender, net.receiver)
    deny = {"Effect": "Deny", "Action": "ec2:DescribeSecurityGroups", "Resource": "*"}
    half: EC2Client = net.world.client([*EVERYTHING, deny])
    started = half.start_network_insights_analysis(NetworkInsightsPathId=path_id, ClientToken="half")
    found = half.describe_network_insights_analyses(
        NetworkInsightsAnalysisIds=[started["NetworkInsightsAnalysis"]["NetworkInsightsAnalysisId"]]
    )["NetworkInsightsAnalyses"][0]
    assert found["Status"] == "failed"
    assert "ec2:DescribeSecurityGroups" in found["StatusMessage"]
    assert "Explanations" not in found
    assert "NetworkPathFound" not in found


def test_an_analysis_of_an_underspecified_path_fails_and_says_what_to_specify(tmp_path: Path) -> None:
    with closing(Ec2World(tmp_path, Quotas(network_insights_tries=1))) as world:
        net = Net(world)
        analysis = net.ask(net.sender, net.receiver)
    assert analysis["Status"] == "failed"
    assert "name the destination port" in analysis["StatusMessage"]


def test_an_analysis_fails_if_an_end_of_the_path_was_deleted(net: Net) -> None:
    path_id = net.path(net.sender, net.receiver)
    net.ec2.delete_network_interface(NetworkInterfaceId=net.receiver)
    analysis = net.analysis(path_id)
    assert analysis["Status"] == "failed"
    assert net.receiver in analysis["StatusMessage"]


def test_the_numbers_of_paths_and_analyses_are_limited(tmp_path: Path) -> None:
    world = Ec2World(tmp_path, Quotas(network_insights_paths=1, network_insights_analyses=1, vpcs=10))
    try:
        net = Net(world)
        path_id = net.path(net.sender, net.receiver)
        with pytest.raises(ClientError) as caught:
            net.path(net.receiver, net.sender)
        assert code_of(caught.value) == "NetworkInsightsPath.LimitExceeded"
        net.analysis(path_id)
        with pytest.raises(ClientError) as caught:
            net.analysis(path_id)
        assert code_of(caught.value) == "NetworkInsightsAnalysis.LimitExceeded"
    finally:
        world.close()


def test_a_policy_can_name_a_path_and_its_tags(net: Net) -> None:
    specification: Any = [{"ResourceType": "network-insights-path", "Tags": [{"Key": "team", "Value": "a"}]}]
    mine, other = (
        net.path(net.sender, net.receiver, TagSpecifications=specification),
        net.path(net.sender, net.receiver),
    )
    allowed = {
        "Effect": "Allow",
        "Action": "ec2:DeleteNetworkInsightsPath",
        "Resource": f"arn:aws:ec2:{REGION}:{ACCOUNT}:network-insights-path/*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}},
    }
    someone = net.world.client([allowed])
    with pytest.raises(ClientError) as caught:
        someone.delete_network_insights_path(NetworkInsightsPathId=other)
    assert code_of(caught.value) == "UnauthorizedOperation"
    someone.delete_network_insights_path(NetworkInsightsPathId=mine)
