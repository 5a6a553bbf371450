import re

import pytest

from emosync.stages import Stages


def test_stages_are_listed_in_milliseconds_with_their_total() -> None:
    stages = Stages()
    stages.add("decode", 0.002)
    stages.add("model", 0.001)
    stages.add("model", 0.003)
    with stages.measure("database"):
        pass
    text = stages.server_timing()
    assert text.startswith("decode;dur=2.00, model;dur=4.00, database;dur=")
    assert re.search(r", total;dur=\d+\.\d\d$", text)


def test_a_stage_that_fails_is_measured_too() -> None:
    stages = Stages()
    with pytest.raises(ValueError), stages.measure("decode"):
        raise ValueError
    assert "decode;dur=" in stages.server_timing()
