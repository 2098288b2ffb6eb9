"""The package as it is installed: built, put into an empty place, run beside a folder `blocks` of a user's own."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]

COMMAND = """
import runpy, sys
command, place = sys.argv[1:3]
sys.argv = [command, *sys.argv[3:]]
try:
    runpy.run_path(command, run_name="__main__")
except SystemExit as done:
    if done.code:
        raise
ours = {name: module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "vae_flows"}
elsewhere = {name: file for name, file in ours.items() if not file.startswith(place)}
assert len(ours) > 50 and not elsewhere, elsewhere
assert "blocks" not in sys.modules
"""

LOADED = """
import sys
{imports}
assert not [name for name in sys.modules if name.startswith("vae_flows.latent_models")]
model = keras.models.load_model(sys.argv[1])
print(type(model).__module__, model.sample(2).shape)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of a copy of this checkout: a build leaves files beside the sources."""
    source, built = tmp_path_factory.mktemp("checkout") / "source", tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "*.egg-info", "runs"))
    subprocess.run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", built, source], check=True)
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def user(tmp_path_factory, wheel):
    """Runs Python in a folder of a user's own, which is imported from first, then from the installed package."""
    place, home = tmp_path_factory.mktemp("site-packages"), tmp_path_factory.mktemp("home")
    subprocess.run([*PIP, "install", "--no-deps", "--target", place, wheel], check=True)
    (home / "blocks").mkdir()
    (home / "blocks" / "__init__.py").write_text("raise ImportError('the user has a folder of this name')")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (home, place))), "PYTHONSAFEPATH": "1"}

    def python(script, *words):
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, words)], cwd=home, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    python.place, python.home = place, home
    return python


@pytest.fixture(scope="module")
def run(user):
    """Ten steps with the command `vae-flows`."""
    options = ["--steps", "10", "--test-images", "5", "--out", "run"]
    user(COMMAND, user.place / "bin" / "vae-flows", user.place, "quickstart", *options)
    return user.home / "run"


def test_the_wheel_holds_the_package_and_nothing_beside_it(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    packaged = {name.removeprefix("vae_flows/") for name in names if name.startswith("vae_flows/")}
    folders = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name not in ("tests", "vae_flows")]
    sources = {
        str(path.relative_to(ROOT)) for folder in folders for kind in ("*.py", "*.j2") for path in folder.glob(kind)
    }
    assert packaged == sources | {"__init__.py", "run_script.py"}
    assert {name.split("/")[0] for name in names} == {"vae_flows", "vae_flows-0.1.0.dist-info"}


def test_the_command_trains_and_reports_from_where_it_is_installed(run):
    assert (run / "report.html").is_file() and (run / "results.json").is_file()


@pytest.mark.parametrize(
    "imports",
    ["from vae_flows.densities import Bernoulli; import keras", "import keras, vae_flows"],
    ids=["before Keras", "after Keras"],
)
def test_keras_loads_a_model_once_vae_flows_is_imported(run, user, imports):
    said = user(LOADED.format(imports=imports), run / "model.keras")
    assert said.split("\n")[-2] == "vae_flows.latent_models.vae (2, 28, 28, 1)"
