"""What tests of runs share: a Ray of their own, which building an Algorithm needs."""

import pytest
import ray


@pytest.fixture(scope="module")
def local_ray():
    """A private Ray on one core; learners and runners alone do not need it."""
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()
