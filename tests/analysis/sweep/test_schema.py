import subprocess
import sys

import pytest

from analysis.sweep import schema


def test_importing_the_schema_loads_no_third_party_package():
    code = "import analysis.sweep.schema, sys; print({'numpy', 'pandas', 'altair'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"


@pytest.mark.parametrize("column", [*schema.IDENTITY, *schema.EVALUATION, *schema.SEEDS, *schema.RUN])
def test_every_column_has_a_meaning(column):
    assert schema.describe(column)


def test_names_of_the_environment_and_the_space_describe_themselves():
    assert "sharpe_ratio" in schema.describe("env/sharpe_ratio")
    assert "lr" in schema.describe("config/lr")
    assert "number 2" in schema.describe("seeds/score_2")


def test_an_unknown_column_is_an_error():
    with pytest.raises(KeyError, match="reward"):
        schema.describe("reward")


def test_no_column_is_described_that_does_not_exist():
    assert set(schema.DESCRIPTIONS) == {*schema.IDENTITY, *schema.EVALUATION, *schema.SEEDS, *schema.RUN}
