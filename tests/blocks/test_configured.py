"""What a configuration may make Python import."""

import sys

import keras
import pytest

from vae_flows.blocks import Configured


class Holder(Configured):
    """Holds a part."""

    def __init__(self, part):
        self.part = part


def config(module, name="Reverse", **arguments):
    return {"module": module, "class_name": name, "registered_name": f"vae_flows>{name}", "config": arguments}


def test_modules_of_this_package_are_imported_when_a_configuration_names_them(monkeypatch):
    monkeypatch.delitem(sys.modules, "vae_flows.flows.permutation", raising=False)
    monkeypatch.delitem(keras.saving.get_custom_objects(), "vae_flows>Reverse", raising=False)
    held = Holder.from_config({"part": config("vae_flows.flows.permutation", features=3)})
    assert type(held.part).__module__ == "vae_flows.flows.permutation"


@pytest.mark.parametrize("module", ["intruder", "intruder.part", "vae_flows.intruder", "vae_flows.intruder.part"])
def test_no_other_modules_are(module, tmp_path, monkeypatch):
    (tmp_path / "intruder").mkdir()
    for name in ("__init__.py", "part.py"):
        (tmp_path / "intruder" / name).write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("vae_flows.__path__", [*sys.modules["vae_flows"].__path__, str(tmp_path)])
    with pytest.raises(TypeError, match="Could not locate class 'Intruder'"):
        Holder.from_config({"part": [config(module, name="Intruder")]})
