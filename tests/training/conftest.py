"""The parts of a small run, as fixtures."""

import pytest
import small_run

from vae_flows.run_folder import RunFolder


@pytest.fixture
def data():
    return small_run.data()


@pytest.fixture
def new_recipe():
    return small_run.recipe


@pytest.fixture
def new_folder(tmp_path):
    """Makes the run's folder of a name, or takes it up again."""

    def make(name="run"):
        run = RunFolder(tmp_path / name)
        return run if run.path.exists() else RunFolder.create(run.path)

    return make
