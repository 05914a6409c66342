"""The commands of the page for auditors, including refused ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.worlds.shells import product_of, steps_of, wrong_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1300)]


FLOWS = "aws logs filter-log-events --log-group-name /audit/flow-logs --filter-pattern ACCEPT"


@pytest.mark.costs(30, reason="a long page is typed twice with a separate product")
@pytest.mark.skipif(
    any(shutil.which(each) is None for each in ("curl", "pgrep")),
    reason="the page uses curl and pgrep, which are not both installed here",
)
def test_how_to_prove_it_to_an_auditor(tmp_path: Path) -> None:
    """They print what the page says, also the second time, then about the latest job. No user is left with a key.

    They run in a separate product, to whose trail nothing else writes.
    """
    steps = steps_of("auditor", "auditor.md")
    assert len(steps) > 30
    look = "aws cloudtrail lookup-events --lookup-attributes AttributeKey=AccessKeyId,AttributeValue=$ID"
    typed = {
        "sleep 2;": f"until {look} | grep -q ListEntitiesDetectionJobs; do sleep 0.2; done;",
        "sleep 5;": f"until {FLOWS} 2>&1 | grep -q 'ACCEPT OK'; do sleep 0.2; done;",
        "reading-room jobs explain $JOB": "echo $JOB >> /tmp/explained; reading-room jobs explain $JOB",
    }
    with product_of(tmp_path / "audit") as product:
        product.start()
        for _ in range(2):
            wrong = wrong_in(steps, product, tmp_path, examples=typed, ends=False)
            assert not wrong, "\n\n".join(wrong)
        account = product.account()
        jobs = account.comprehend.list_entities_detection_jobs()["EntitiesDetectionJobPropertiesList"]
        ran = [job["JobId"] for job in sorted(jobs, key=lambda job: job["SubmitTime"])]
        assert (tmp_path / "explained").read_text().split() == [ran[0], ran[2]], (
            "each time the first of the page's two jobs"
        )
        users = [user["UserName"] for user in account.iam.list_users()["Users"]]
        assert "eve" not in users
        assert all(role["RoleName"] != "audit-flow-logs" for role in account.iam.list_roles()["Roles"])
        assert account.ec2.describe_flow_logs()["FlowLogs"] == []
