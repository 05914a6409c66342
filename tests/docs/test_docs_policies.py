"""The commands of the page on policies from AWS: fetched from there, checked, tried, and a denial explained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.worlds.product import Product
from tests.worlds.shells import by_default, data_of, product_of, steps_of, until_on_record, wrong_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.mark.costs(5, reason="a page is typed, with fifteen commands")
def test_how_to_bring_policies(product: Product, tmp_path: Path) -> None:
    """From a file from AWS to an explained denial."""
    steps = steps_of("policies", "how-to/bring-policies.md")
    waits = {"sleep 2\n": f"{until_on_record('ann', 'ListSentimentDetectionJobs')}\n"}
    wrong = wrong_in(steps, product, tmp_path, examples=waits, more=data_of(product))
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.costs(4, reason="it needs a separate product with its own account number")
def test_how_to_take_a_policy_from_aws(tmp_path: Path) -> None:
    """From another product, which has the page's account number and policy, as the page shows."""
    steps = steps_of("aws", "how-to/bring-policies.md")
    (shown,) = [each.text for each in steps_of("policies", "how-to/bring-policies.md") if "<<'J'" in each.text]
    document = shown.partition("<<'J'\n")[2].rpartition("\nJ")[0]
    with product_of(tmp_path / "aws", ACCOUNT="111122223333") as product:
        product.start()
        product.account().iam.create_policy(PolicyName="Analysts", PolicyDocument=document)
        assert not (wrong := wrong_in(steps, product, tmp_path, more=by_default(product))), "\n\n".join(wrong)
    assert json.loads((tmp_path / "from-aws.json").read_text()) == json.loads(document)
