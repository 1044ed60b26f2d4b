"""Each sweep takes test seeds that no sweep of its experiment has seen."""

import json
from concurrent.futures import ThreadPoolExecutor

from experiments.core.declaration.seeds import BLOCKS
from experiments.core.records import Look, take_look


def test_every_sweep_takes_the_next_block_and_says_how_many_looks_there_were(tmp_path):
    assert [take_look(tmp_path, name, 0) for name in ("a", "b", "c")] == [Look(0, 1), Look(1, 2), Look(2, 3)]
    ledger = {path.name: json.loads(path.read_text()) for path in (tmp_path / "seen_test_seeds").iterdir()}
    assert sorted(ledger) == ["0_0.json", "0_1.json", "0_2.json"]
    assert ledger["0_1.json"] == {"sweep": "b", "root": 0, "block": 1}


def test_another_root_has_blocks_of_its_own_and_is_a_look_all_the_same(tmp_path):
    take_look(tmp_path, "a", 0)
    assert take_look(tmp_path, "b", 7) == Look(0, 2)


def test_a_block_that_an_ancestor_elsewhere_has_seen_is_not_taken(tmp_path):
    assert take_look(tmp_path, "a", 0, {(0, 0), (0, 1)}) == Look(2, 3)
    assert take_look(tmp_path, "b", 0) == Look(0, 2)


def test_sweeps_that_start_at_once_never_share_a_block(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        looks = list(pool.map(lambda number: take_look(tmp_path, f"sweep {number}", 0), range(24)))
    assert sorted(look.block for look in looks) == list(range(24))
    assert max(look.looks for look in looks) == 24


def test_once_all_blocks_are_taken_they_are_taken_again_and_the_looks_still_count(tmp_path):
    looks = [take_look(tmp_path, str(number), 0) for number in range(BLOCKS + 1)]
    assert looks[-1] == Look(0, BLOCKS + 1)
