"""Every experiment of the suite could start as it stands."""

import pytest

from experiments.__main__ import declared
from experiments.core.options import Options
from experiments.core.plan import Plan
from experiments.core.preflight import preflight


@pytest.mark.parametrize("name", list(declared()))
def test_every_experiment_passes_its_preflight(name, tmp_path):
    question, experiment = declared()[name]
    options = Options(storage=str(tmp_path), name="new")
    preflight(Plan.of(experiment, options, name=name, question=question))
    assert not any(tmp_path.iterdir())
