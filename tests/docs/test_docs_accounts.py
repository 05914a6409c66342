"""The commands of the pages on several accounts and on S3."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worlds.product import Product
from tests.worlds.shells import EXAMPLES, by_default, steps_of, wrong_in
from tests.worlds.tools import install

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.mark.costs(6, reason="a page is typed, with four commands that open the database")
def test_several_accounts_and_changed_keys(product: Product, tmp_path: Path) -> None:
    """With a user who already has one key."""
    iam = product.account().iam
    iam.create_user(UserName="alice")
    more = by_default(product) | {"KEY": iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]}
    # The page continues as the new account, but its user belongs to the first one.
    before = 'aws() { if [ $1 = iam ]; then AWS_PROFILE=default command aws "$@"; else command aws "$@"; fi; }'
    steps = steps_of("accounts", "accounts.md")
    wrong = wrong_in(steps, product, tmp_path, before=before, examples=EXAMPLES, more=more)
    assert not wrong, "\n\n".join(wrong)


def test_files_for_s3(product: Product, tmp_path: Path) -> None:
    """The library s3fs has an environment of its own."""
    before = """
    mkdir folder; echo one > folder/one.txt; echo %PDF > report.pdf
    python() {
        typed=$(cat)
        case $typed in *s3fs*) $TOOLS/python -c "$typed";; *) command python -c "$typed";; esac
    }
    """
    # Through the environment, in which a checkout below /tmp keeps its name.
    more = by_default(product) | {"TOOLS": str(install())}
    wrong = wrong_in(steps_of("tools", "s3.md"), product, tmp_path, before=before, more=more)
    assert not wrong, "\n\n".join(wrong)
    found = product.account().s3.list_objects_v2(Bucket="papers")["Contents"]
    assert {entry["Key"] for entry in found} == {"folder/one.txt", "report.pdf"}
