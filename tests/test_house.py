"""The rules of the house, read off the code itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import registry

ROOT = Path(__file__).parent.parent
RANKS = {
    0: ("blocks", "image_data", "estimators", "run_folder"),
    1: ("densities", "encoders", "decoders"),
    2: ("flows",),
    3: ("latent_models",),
    4: ("iaf", "vlae", "aef", "nvae_tf"),
    5: ("training", "reports"),
    6: ("experiment",),
    7: ("run_script",),
}
RANK = {name: rank for rank, names in RANKS.items() for name in names}
PACKAGES = [name for name in RANK if (ROOT / name / "__init__.py").is_file()]
SOURCES = [path for name in PACKAGES for path in sorted((ROOT / name).glob("*.py"))] + [ROOT / "run_script.py"]
ALL = SOURCES + sorted((ROOT / "tests").rglob("*.py")) + sorted((ROOT / "benchmarks").rglob("*.py"))


def relative(path):
    return str(path.relative_to(ROOT))


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "vae_flows":
            yield from (f"vae_flows.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


@pytest.mark.parametrize("path", ALL, ids=relative)
def test_folders_are_imported_from_the_namespace(path):
    bare = {module for module in imported(ast.parse(path.read_text())) if module.split(".")[0] in RANK}
    assert not bare - {"run_script"}, f"{relative(path)} imports {sorted(bare)}: say vae_flows.{min(bare)}"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_imports_point_downwards(path):
    own = path.parent.name if path.parent != ROOT else path.stem
    for module in imported(ast.parse(path.read_text())):
        other = module.removeprefix("vae_flows.").split(".")[0]
        if other in RANK and other != own:
            assert RANK[other] < RANK[own], f"{relative(path)} (rank {RANK[own]}) imports {module} (rank {RANK[other]})"


@pytest.mark.parametrize("path", ALL, ids=relative)
def test_files_and_functions_are_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= (650 if path.name == "run_script.py" else 250)  # a catalogue
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node) is not None
            first = node.body[1] if docstring and len(node.body) > 1 else node.body[0]
            length = node.end_lineno - first.lineno + 1
            assert length <= 40, f"{relative(path)}: {node.name} has {length} lines"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_product_has_no_assert_and_every_public_thing_a_docstring(path):
    tree = ast.parse(path.read_text())
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert ast.get_docstring(tree), f"{relative(path)} has no module docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{relative(path)}: {node.name} has no docstring"


def concrete_layers(package, kind=None):
    """Public layer classes of a package, or those of a kind, that can be built: those whose name says no base."""
    import importlib

    import keras

    module = importlib.import_module(f"vae_flows.{package}")
    names = [name for name in module.__all__ if isinstance(getattr(module, name), type)]
    abstract = {"LazyBijector", "LazyDistribution", "ImageModel", "LatentModel", "ExactModel", "PixelTransform"}
    return [n for n in names if issubclass(getattr(module, n), kind or keras.layers.Layer) and n not in abstract]


@pytest.mark.parametrize(
    ("package", "cases", "exempt"),
    [
        ("flows", registry.FLOWS | registry.PIXEL_TRANSFORMS, {"Flow", "TransformedPixels"}),
        ("densities", registry.DENSITIES | registry.PIXEL_LAWS, {"Conditional"}),
        ("encoders", registry.ENCODERS, set()),
        ("decoders", registry.DECODERS, set()),
        ("latent_models", registry.MODELS, set()),
        ("nvae_tf", registry.MODELS, set()),
        ("aef", registry.MODELS | registry.ENCODERS, {"CoreEncoder"}),
    ],
)
def test_everything_exported_is_registered(package, cases, exempt):
    built = {name.split()[0] for name in cases}
    missing = set(concrete_layers(package)) - built - exempt
    assert not missing, f"add a case to tests/registry.py for {sorted(missing)} of {package}"


def test_every_model_is_offered_by_name_so_that_keras_can_load_it():
    import vae_flows

    packages = [name for rank in (3, 4) for name in RANKS[rank] if name in PACKAGES]
    models = {
        name for package in packages for name in concrete_layers(package, kind=vae_flows.latent_models.ImageModel)
    }
    assert "VAE" in models and models <= set(vae_flows.__all__)


STATE = """
import logging, random, sys
import numpy, keras, tensorflow as tf
before = (keras.config.dtype_policy().name, keras.config.floatx(), len(logging.getLogger().handlers), random.getstate(),
          str(numpy.random.get_state()), tf.executing_eagerly(), tf.config.optimizer.get_jit())
import importlib, pkgutil
for package in [f"vae_flows.{folder}" for folder in sys.argv[1:]]:
    module = importlib.import_module(package)
    assert module.__file__.startswith(sys.path[0]), (package, module.__file__)
    for info in pkgutil.iter_modules(module.__path__):
        if info.name != "__main__":
            importlib.import_module(f"{package}.{info.name}")
after = (keras.config.dtype_policy().name, keras.config.floatx(), len(logging.getLogger().handlers), random.getstate(),
         str(numpy.random.get_state()), tf.executing_eagerly(), tf.config.optimizer.get_jit())
assert before == after, (before, after)
"""


def test_importing_changes_nothing_and_imports_our_folders():
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{STATE}"
    done = subprocess.run([sys.executable, "-c", script, *PACKAGES], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]


def test_packages_import_without_tensorflow():
    imports = f"from vae_flows import {', '.join(PACKAGES)}"
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {imports}; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "False", done.stderr[-2000:]


def test_every_package_is_offered_and_installed():
    """setup.py installs each folder with an `__init__.py`: test_wheel.py looks into what it makes."""
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == {*PACKAGES, "vae_flows"}
    text = (ROOT / "vae_flows" / "__init__.py").read_text()
    assert all(f'        "{name}",' in text for name in PACKAGES)


def test_every_part_that_a_preset_names_is_exported():
    import importlib

    for node in ast.walk(ast.parse((ROOT / "run_script.py").read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in PACKAGES:
            assert hasattr(importlib.import_module(f"vae_flows.{node.value.id}"), node.attr), (
                f"{node.value.id}.{node.attr}"
            )
