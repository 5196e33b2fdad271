"""Races, each another order of events; `python -m tests.races` runs ten thousand."""

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from blocks.store import FolderStore
from tests.races.__main__ import dice, run_many, summary
from tests.races.crowd import world
from tests.races.judging import faults
from tests.races.race import Finish, Race


@pytest.mark.parametrize("races", [120, pytest.param(500, marks=pytest.mark.long)])
async def test_each_of_many_races_has_one_decision_and_everybody_is_told_the_truth(races: int):
    counts: Counter[str] = Counter()
    assert await run_many(range(races), 2026, counts) == {}
    assert counts["lost writes"] > races, "nobody was ever first in somebody's way: these were no races"
    assert counts["lost acknowledgements"] > races / 10
    assert min(counts["late"], counts["void"], counts["changed"], counts["counted"]) > races / 20
    assert min(counts["withdraw counted"], counts["withdraw late"], counts["hand-over counted"]) > races / 50
    (orders,) = re.findall(r"([\d,]+) different orders", summary(counts))
    assert int(orders.replace(",", "")) > races * 0.99


async def finish(tmp_path: Path, number: int) -> Finish:
    return await Race(FolderStore(tmp_path / "race"), dice(2026, number), await world()).run()


async def test_a_race_run_again_is_the_same_race(tmp_path: Path):
    everything = await world()
    races = [Race(FolderStore(tmp_path / name), dice(2026, 7), everything) for name in ("one", "other")]
    heads = [(await race.run()).chain.head for race in races]
    assert heads[0] == heads[1]
    assert races[0].trace.events == races[1].trace.events


@pytest.mark.parametrize("wrong", ["twice", "nobody", "untold", "untrue"])
async def test_the_judge_of_races_sees_what_is_wrong(tmp_path: Path, wrong: str):
    """Two decisions, none, a clicker who stands nowhere, a clicker who was told another moment."""
    done = await finish(tmp_path, 7)
    entries = done.chain.entries
    decided = next(x for x in entries if x.lines[0].act == "decided" and x.lines[0].key == done.ask.key)
    late = next(one for one in done.told if one.verdict.taken == "late")
    if wrong == "twice":
        done.chain = type(done.chain)(done.chain.case, (*entries, decided))
    elif wrong == "nobody":
        done.chain = type(done.chain)(done.chain.case, tuple(x for x in entries if x is not decided))
    elif wrong == "untold":
        kept = tuple(x for x in entries if x.lines[0].source != late.clicker.device)
        done.chain = type(done.chain)(done.chain.case, kept)
    else:
        winner = next(one for one in done.told if one.clicker.device == decided.lines[0].source)
        winner.clicker = winner.clicker._replace(at=winner.clicker.at + timedelta(minutes=1))
    assert faults(done)
