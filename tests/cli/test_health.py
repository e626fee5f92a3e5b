"""``imalink health`` tells what asks for a look, by words, JSON and exit code, and keeps what it told."""

from __future__ import annotations

from tests.support.scenes import Scene
from tests.support.stranger import Stranger


def test_a_healthy_archive_ends_with_0_and_one_that_asks_for_a_look_with_4(scene: Scene, imalink: Stranger) -> None:
    assert imalink("verify", "Blue Samsung").code == 0
    fine = imalink("health")
    assert fine.code == 0
    assert "Nothing asks for a look" in fine.out
    record = scene.bench.records()[0]
    (scene.bench.root(record) / "index.json").unlink()
    poor = imalink("health")
    assert poor.code == 4
    assert "index.json" in poor.err
    assert "imalink regenerate" in poor.err
    history = imalink("health", "--history", "5", "--json").json["reports"]
    assert [each["summary"]["issues_count"] for each in history] == [1, 0]
