"""The names in a flywheel's data lake, which the control plane also uses. It imports nothing."""

from __future__ import annotations

SCHEMA = "schemaVersion=1/"
"""The folder between the flywheel's own and that of the time at which it was created."""
MARKER = "flywheelschemaversion"
"""The object at the root that says whose lake it is."""
FOLDERS = ("Document Pool/", "Annotations Pool/", "Staging/", "Model Datasets/")
"""The folders at the root, as in Amazon's guide."""
DATASETS, EVALUATION, VERSIONS = "datasets/", "evaluation/", "Model Datasets/VersionID-"
"""What the folders of datasets, of evaluations and of versions begin with."""
MANIFEST = "documents.jsonl"
"""The name of a dataset's manifest in the dataset's folder."""
ATTRIBUTE = "annotation"
"""The attribute of a manifest's lines that has the labels or entities."""
EVALUATED, TRAINED = "Evaluated", "Trained"
"""The active model and the new one, in the requests and results of evaluations."""
