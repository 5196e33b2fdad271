"""Rows 29 and 30: clocks that differ, days that are no days of 24 hours, and a timer that meets an approval."""

import shutil
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from tasks.decide import due_in
from tests.clockwork import CLOCK, tick, waiting, with_clock
from tests.faults import guards
from tests.faults.doors import captured, delivered, doors, pressed, slack_hospital
from tests.faults.matrix import Stage, row
from tests.faults.scene import ORDERS, approved
from tests.faults.wrongs import unheard
from tests.invariants import Violation, check_invariants
from tests.judging import judged, opened
from tests.needs import missing
from tests.stores import TimedFolder
from tests.stories.test_clock_at_random import ZONE, faults, lived

SKEWS = ("+601s", "-601s")
ACROSS = (
    ("the end of summer time", "2026-10-30 16:00", "2026-11-02 16:00"),
    ("its beginning", "2027-03-12 16:00", "2027-03-15 16:00"),
    ("a leap day", "2028-02-28 16:00", "2028-02-29 16:00"),
    ("the end of a month", "2026-07-31 16:00", "2026-08-03 16:00"),
    ("the end of a year, and its holiday", "2026-12-31 16:00", "2027-01-04 16:00"),
)
"""Nine business hours, from eight to five in Chicago: one on the first day, eight on the next."""


@row(29, "The door's clock is ten minutes off", guard="a click is good for five minutes", shows="29",
     without=guards.elsewhere("ageless"))  # fmt: skip
async def skewed_door(stage: Stage) -> list[Violation]:
    """A click that seems to be of another time is turned away, and nothing falls; Slack shows that it failed."""
    if not shutil.which("faketime"):
        missing("There is no faketime here: apt-get install faketime.")
    async with slack_hospital(stage.root) as (hospital, desk):
        case = await hospital.submit("KNEE-TIB-4", 1)
        await hospital.wake(case)
        asked = (await hospital.chain(case)).last("asked")
        assert asked
        found: list[Violation] = []
        for skew in SKEWS:
            nursery = stage.hands.nursery("faketime", "-f", skew)
            with doors(nursery, stage.root, f"{desk.url}/api/", without=guards.taken_out()) as (door,):
                answer = await delivered(pressed(asked, "U0IVO"), door.url)
            if answer != 401:
                found.append(Violation("29", case, f"a click that is {skew} off was answered {answer}"))
        if (await hospital.chain(case)).having("decided"):
            found.append(Violation("29", case, "and it decided"))
        return found + await judged(hospital, hospital.erp, await captured(hospital.desk))


@row(29, "Two workers' clocks are twenty minutes apart", guard="what time it is is for the store to tell",
     without=guards.by_their_own_clocks, shows="I1")  # fmt: skip
async def workers_apart(stage: Stage) -> list[Violation]:
    """Whoever calls is ten minutes behind, whoever takes over ten ahead: to them, the call was twenty minutes ago."""
    async with approved(stage.root, "a look-up that lags") as scene:
        hospital, store, off = scene.hospital, scene.hospital.ledger.store, timedelta()
        assert isinstance(store, TimedFolder)
        store.clock = lambda: hospital.now - off
        scene.server.clock = lambda: (hospital.now - off).timestamp()  # noqa: PLW0108  time moves on
        scene.server.shows_after_s = 30
        scene.proxy.arm(ORDERS, unheard())
        for minutes in (-10, 10, 0):
            hospital.now, off = hospital.now - off + timedelta(minutes=minutes), timedelta(minutes=minutes)
            await scene.woken()
            scene.pass_s(5)
        await scene.goes_on()
        return await scene.found()


@row(29, "Summer time, leap day, month's end", guard="business hours are the hospital's own", shows="29",
     without=guards.in_utc)  # fmt: skip
async def odd_days(stage: Stage) -> list[Violation]:
    """Every hour somebody's timer looks, and some of them are an hour behind: each thing is done once, in order."""
    found: list[Violation] = []
    for n, (across, asked, due) in enumerate(ACROSS):
        now, root = _chicago(asked), stage.root / str(n)
        hospital = await opened(root, year=now.year)
        hospital.now = now
        await with_clock(hospital, CLOCK)
        case = await waiting(hospital)
        line = (await hospital.chain(case)).last("asked")
        assert line
        if (said := due_in(line)) != _chicago(due) + (line.at - now):
            found.append(Violation("29", case, f"across {across} an answer is due {said}, not {due}"))
        for hour in range(1, 100):
            behind = hour % 3 == 0
            await tick(hospital, case, now + timedelta(hours=hour - behind))
        found += [
            Violation("I11", case, f"across {across}: {one}") for one in faults(await hospital.chain(case), CLOCK)
        ]
    return found


def _chicago(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


@row(30, "A timer fires while an answer lands", guard="what a timer appends follows what it judged", shows="I7",
     without=guards.blind_timer)  # fmt: skip
async def timer_meets_answer(stage: Stage) -> list[Violation]:
    """A reminder, an escalation, an expiry; overtaken by a yes or a no, or overtaking one: never both."""
    found: list[Violation] = []
    for n, (hours, verdict, late) in enumerate(product((25, 49, 24 * 20), ("approve", "reject"), (False, True))):
        deeds = [("timer", 0), (verdict, "ana.silva")]
        hospital, case = await lived(stage.root / str(n), CLOCK, [(hours, deeds[late], deeds[not late])])
        wrong = faults(await hospital.chain(case), CLOCK)
        found += [Violation("I7" if "twice" in one else "I11", case, one) for one in wrong]
        found += await check_invariants(hospital.ledger, hospital.erp, hospital.desk, over=False)
    return found
