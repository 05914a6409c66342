"""The commands of the pages do what the pages say, typed into one shell after the other, against one product."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from reading_room.cli import reading
from tests.worlds.pages import elsewhere
from tests.worlds.product import Product
from tests.worlds.shells import EXAMPLES, by_default, data_of, product_of, steps_of, wrong_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1300)]

MADE = """
mkdir -p /tmp/texts; echo "Marie Curie was born in Warsaw." > /tmp/texts/a.txt; reading-room jobs run /tmp/texts
q() { aws "${@:1:$#-1}" --query "${@: -1}" --output text; }
JOB=$(q comprehend list-entities-detection-jobs EntitiesDetectionJobPropertiesList[-1].JobId)
VPC=$(q ec2 describe-vpcs --filters Name=tag-key,Values=reading-room:jobs-run Vpcs[0].VpcId)
SUBNET=$(q ec2 describe-subnets --filters Name=vpc-id,Values=$VPC Subnets[0].SubnetId)
GROUP=$(q ec2 describe-security-groups --filters Name=vpc-id,Values=$VPC SecurityGroups[0].GroupId)
ENI=$(q ec2 create-network-interface --subnet-id $SUBNET --groups $GROUP NetworkInterface.NetworkInterfaceId)
OTHER=$(q ec2 create-network-interface --subnet-id $SUBNET --groups $GROUP NetworkInterface.NetworkInterfaceId)
ENDPOINT=$(q ec2 create-vpc-endpoint --vpc-endpoint-type Interface --no-private-dns-enabled --vpc-id $VPC \
    --service-name com.amazonaws.us-east-1.logs --subnet-ids $SUBNET --security-group-ids $GROUP \
    VpcEndpoint.VpcEndpointId)
LIST=$(q ec2 create-managed-prefix-list --prefix-list-name office --max-entries 1 --address-family IPv4 \
    --entries Cidr=10.9.0.0/16 PrefixList.PrefixListId)
WAY=$(q ec2 create-network-insights-path --source $ENI --destination $ENDPOINT --protocol tcp \
    NetworkInsightsPath.NetworkInsightsPathId)
aws s3 mb s3://records; echo | aws s3 cp - s3://records/AWSLogs/first
aws iam create-user --user-name nora
aws iam put-user-policy --user-name nora --policy-name night --policy-document '{"Version": "2012-10-17", "Statement": [
    {"Sid": "FromHome", "Effect": "Allow", "Action": "ec2:*", "Resource": "*",
     "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}]}'
read DENIED ENCODED <<< $(python - <<'END'
import boto3

key = boto3.client("iam").create_access_key(UserName="nora")["AccessKey"]
keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
ec2 = boto3.client("ec2", **keys)
try:
    ec2.create_vpc(CidrBlock="10.7.0.0/16")
except ec2.exceptions.ClientError as denied:
    message = denied.response["Error"]["Message"]
    print(denied.response["ResponseMetadata"]["RequestId"], message.rpartition(" ")[2])
END
)
echo '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}' > reader.json
sed s/Get/List/ reader.json > reader-2.json
TRUST='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
    "Principal": {"Service": "comprehend.amazonaws.com"}}]}'
aws iam create-role --role-name Nightly --assume-role-policy-document "$TRUST"
"""
"""Makes them, typed before the pages of features, whose blocks stand alone. Listing where nothing is yet fails."""


def test_the_tutorial_the_guide_and_how_to_keep_data_in(product: Product, tmp_path: Path) -> None:
    """Each goes on where the one before it ended, in one shell; the tutorial's jobs end as it says."""
    told = steps_of("walk", "tutorial.md", "guide.md", "how-to/keep-data-in.md")
    assert not (wrong := wrong_in(told, product, tmp_path, more=by_default(product))), "\n\n".join(wrong)
    jobs = reading.Account(product.endpoint()).comprehend.list_entities_detection_jobs()
    found = sorted(jobs["EntitiesDetectionJobPropertiesList"], key=lambda job: job["SubmitTime"])
    assert [(job["JobStatus"], job.get("Message", "").partition(":")[0]) for job in found] == [
        ("COMPLETED", ""),
        ("FAILED", "NO_ROUTE_TO_STORAGE"),
        ("FAILED", "NO_WRITE_ACCESS_TO_OUTPUT"),
        ("COMPLETED", ""),
        ("COMPLETED", ""),
    ]


def test_how_to_bring_policies(product: Product, tmp_path: Path) -> None:
    """From a file of AWS's to a denial that is explained."""
    told = steps_of("policies", "how-to/bring-policies.md")
    assert not (wrong := wrong_in(told, product, tmp_path, more=data_of(product))), "\n\n".join(wrong)


def test_how_to_take_a_policy_from_aws(tmp_path: Path) -> None:
    """From another product, which has the account's number of the page, and its policy: the page shows that."""
    told = steps_of("aws", "how-to/bring-policies.md")
    (shown,) = [each.text for each in steps_of("policies", "how-to/bring-policies.md") if "<<'J'" in each.text]
    document = shown.partition("<<'J'\n")[2].rpartition("\nJ")[0]
    with product_of(tmp_path / "aws", ACCOUNT="111122223333") as product:
        product.start()
        product.account().iam.create_policy(PolicyName="Analysts", PolicyDocument=document)
        assert not (wrong := wrong_in(told, product, tmp_path, more=by_default(product))), "\n\n".join(wrong)
    assert json.loads((tmp_path / "from-aws.json").read_text()) == json.loads(document)


@pytest.mark.skipif(
    any(shutil.which(each) is None for each in ("curl", "pgrep")),
    reason="the page uses curl and pgrep, not both of which are here",
)
def test_how_to_prove_it_to_an_auditor(tmp_path: Path) -> None:
    """Its commands print what the page says, refusals too, at a product of its own."""
    told = steps_of("auditor", "auditor.md")
    assert len(told) > 20
    with product_of(tmp_path / "audit") as product:
        product.start()
        assert not (wrong := wrong_in(told, product, tmp_path, ends=False)), "\n\n".join(wrong)


def test_how_to_see_each_feature_of_a_vpc(product: Product, tmp_path: Path) -> None:
    """Each page's commands end well, with ids that there are in place of its examples."""
    told = steps_of("features", *(page for page, row in elsewhere().items() if row.run == "features"))
    more = by_default(product)
    wrong = wrong_in(told, product, tmp_path, before=MADE, examples=EXAMPLES, more=more)
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.skipif(shutil.which("jq") is None, reason="the page reads files with jq, which is not installed here")
def test_how_to_read_the_files_of_the_trail(product: Product, tmp_path: Path) -> None:
    """They have what a job read and wrote."""
    before = "mkdir texts; echo Marie Curie was born in Warsaw. > texts/a.txt; reading-room jobs run texts"
    more = by_default(product)
    wrong = wrong_in(steps_of("jq", "trail.md"), product, tmp_path, before=before, examples=EXAMPLES, more=more)
    assert not wrong, "\n\n".join(wrong)


def test_how_to_use_it_in_ci(tmp_path: Path) -> None:
    """The page starts and ends products of its own, with user ids that no other product has."""
    with product_of(tmp_path / "ci") as product:
        assert not (wrong := wrong_in(steps_of("ci", "how-to/ci.md"), product, tmp_path)), "\n\n".join(wrong)
