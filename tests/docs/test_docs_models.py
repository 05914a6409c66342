"""The commands of the pages on several containers, custom models and the reader's own engines."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from reading_room.cli import reading
from tests.worlds.product import Product
from tests.worlds.shells import EXAMPLES, by_default, steps_of, wrong_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.mark.costs(40, reason="three models are trained, and eight jobs run")
def test_several_containers_personal_data_and_custom_models(product: Product, tmp_path: Path) -> None:
    """They continue with the tutorial's resources, but with other names for the bucket and the role."""
    account = product.account()
    account.s3.create_bucket(Bucket="models-library")
    account.s3.put_object(Bucket="models-library", Key="in/a.txt", Body=b"Marie Curie was born in Warsaw.")
    reading.make_reader_role(account, "models-reader", "models-library")
    network = reading.build_network(account)
    group = account.ec2.create_security_group(VpcId=network.vpc, GroupName="open", Description="open")["GroupId"]
    more_pages = ("flywheels.md", "safety.md")
    pages = ("distributed.md", "kinds/pii.md", "kinds/events.md", "custom-models.md", "endpoints.md", *more_pages)
    steps = steps_of("models", *pages)
    examples = EXAMPLES | {"s3://library": "s3://models-library", "--role-name reader": "--role-name models-reader"}
    more = by_default(product) | {"SUBNET": network.subnets[0], "GROUP": group}
    assert not (wrong := wrong_in(steps, product, tmp_path, examples=examples, more=more)), "\n\n".join(wrong)
    jobs = account.comprehend.list_entities_detection_jobs()["EntitiesDetectionJobPropertiesList"]
    ended = [job["JobStatus"] for job in jobs if "models-library" in job["InputDataConfig"]["S3Uri"]]
    assert ended == ["COMPLETED", "COMPLETED"]


def test_the_engine_on_the_page_works(tmp_path: Path) -> None:
    """It is loaded unchanged, and analyses a text and an empty one."""
    (step,) = steps_of("engine", "adding-an-engine.md")
    module = tmp_path / "dutch_entities.py"
    module.write_text(step.text)
    engine = runpy.run_path(str(module))["DutchEntities"]
    made = engine()
    assert made.result_member == "Entities"
    assert [len(each) for each in made.analyse(["Jan woont in Utrecht.", ""])] == [1, 1]
