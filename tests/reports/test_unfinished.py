import pytest

from vae_flows.reports.unfinished import unfinished


def test_what_is_done_stays_until_the_estimate_succeeds(make_run):
    folder = make_run("run")
    with pytest.raises(KeyboardInterrupt):
        with unfinished(folder, "hais", {"chains": 4}) as file:
            kept = file()
            kept.write_bytes(b"half")
            raise KeyboardInterrupt
    assert kept.exists()
    with unfinished(folder, "hais", {"chains": 8}) as file:
        assert file() != kept
    assert kept.exists()
    with unfinished(folder, "hais", {"chains": 4}) as file:
        assert file() == kept
    assert not kept.parent.exists()
