"""One life: a few cases that share budget and requester, and everything that happens to them, drawn from a seed."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import NamedTuple

from blocks.ledger import Ledger
from blocks.wire.report import in_doubt
from tasks.results import is_finished
from tasks.rules.books import LONG_HELD
from tests.fakes.erp_server import PERSONALITIES
from tests.invariants import Violation, check_invariants
from tests.samples import PATIENT
from tests.simulation.auditing import Auditing
from tests.simulation.city import City
from tests.simulation.meanwhile import BETWEEN, MEANWHILE
from tests.simulation.people import People
from tests.simulation.upkeep import House

FAULTS = FAULTS_MIN, _ = 3, 8
"""How many faults there are for each case."""
TOGETHER = (1, 2, 2, 3, 3, 4)
"""How many cases live at the same time."""
ROUNDS = (5, 10)
"""How many rounds things go wrong in."""
OVER_SHARE = 0.7
"""How often a life goes no further when all its cases are over: else what comes after the end is never seen."""
SEALED_SHARE, PATIENTS_SHARE = 0.25, 0.5
"""How often a life has a log and a witness, which cost as much as the rest of it; and somebody who names a patient."""
AFTERWARDS_SHARE = 0.25
"""How often a life goes on when all has come to its end, so that more happens to what was ordered."""
MEANWHILE_SHARE, TAKEN_BACK_SHARE, BILLED_SHARE, CORRECTED_SHARE = 0.9, 0.2, 0.35, 0.45
OFF_SHARE, OFF_MAX_S = 0.5, 1_200.0
"""In how many lives no process knows what time it is, and by how much its clock may be off."""
SOON, LATER, AFTER_MAX = 6, 12, 50
"""How many rounds upkeep has to bring everything to its end when nothing goes wrong any more."""


class Wanted(NamedTuple):
    """What somebody asks for."""

    item: str
    quantity: int
    by: str = "rita.okafor"
    centre: str = "OR"


WANTED = (
    Wanted("KNEE-TIB-4", 1),
    Wanted("KNEE-TIB-4", 3),
    Wanted("HIP-STEM-12", 1),
    Wanted("GLOVE-M", 200),
    Wanted("SUTURE-30", 2),
    Wanted("VENT-T1", 1, "sam.lind", "ICU"),
    Wanted("CENTRI-5", 1, "sam.lind", "ICU"),
)


class Lived(NamedTuple):
    """What came of a life."""

    seed: int
    personality: str
    ends: Counter[str]
    faults: Counter[str]
    suffered: dict[str, int]
    """How many of them happened to each case."""
    violations: tuple[Violation, ...]
    story: tuple[str, ...]


async def live(seed: int, kept: dict[str, bytes], clocks: Callable[[City], None]) -> Lived:
    """Live the life of a seed; *kept*: the store as it is founded; *clocks*: let every clock be that of the city."""
    dice = Random(seed)  # noqa: S311  dice, not secrets
    name = dice.choice([*PERSONALITIES])
    city = City(dice, PERSONALITIES[name], kept)
    clocks(city)
    city.tell(f"the ERP: {name}")
    city.off_max_s = OFF_MAX_S if dice.random() < OFF_SHARE else 0.0
    house, people = (house := House(city)), People(city, house.cases, house.rung)
    auditing = Auditing(city) if dice.random() < SEALED_SHARE else None
    cases = await _asked(city, house)
    if dice.random() < PATIENTS_SHARE:
        await house.turn_away()
    await _through(city, house, people, auditing)
    if dice.random() < AFTERWARDS_SHARE:  # what was ordered is billed, and called off
        await _through(city, house, people, auditing)
    violations = await _judged(city, cases, auditing)
    if any(one.invariant == "I6" for one in violations):
        await _next_request(city, house, people)
        violations = await _judged(city, cases, auditing)
    ends = Counter([await _end(city, case) for case in cases])
    await city.close()
    faults = Counter(one.kind for one in city.happened)
    suffered = {case: sum(case in one.cases for one in city.happened) for case in cases}
    return Lived(seed, name, ends, faults, suffered, violations, tuple(city.story))


async def _through(city: City, house: House, people: People, auditing: Auditing | None) -> None:
    """Let things go wrong for a while, then everything come to its end."""
    began_over = all([await _is_over(city, case) for case in house.cases])
    city.to_come = len(city.happened) + sum(city.dice.randint(*FAULTS) for _ in house.cases)
    for _ in range(city.dice.randint(*ROUNDS)):
        await _round(city, house, people, auditing)
        city.open = {case for case in house.cases if not await _is_over(city, case)}
        if not city.open and not began_over and city.dice.random() < OVER_SHARE:
            break
    city.to_come = 0
    await _after(city, house, people)


async def _asked(city: City, house: House) -> list[str]:
    wanted = city.dice.choices(WANTED, k=city.dice.choice(TOGETHER))
    cases = []
    for one in wanted:
        case = await house.submit(one.item, one.quantity, one.by, one.centre)
        city.tell(f"{one.by} asks for {one.quantity} × {one.item}: {case}")
        cases.append(case)
    house.rung.extend(cases)
    return cases


async def _round(city: City, house: House, people: People, auditing: Auditing | None) -> None:
    """Let everything happen at once that happens now, then let time pass."""
    dice = city.dice
    house.wake_rung()
    if auditing:
        auditing.seal()
        auditing.look()
    for deed, share in ((people.answer, 0.7), (people.settle, 0.4), (house.look_out, 0.3), (house.keep_time, 0.25)):
        if dice.random() < share:
            await deed()
    await people.take_back(TAKEN_BACK_SHARE)
    people.bill(BILLED_SHARE)
    people.correct(CORRECTED_SHARE)
    if len(city.happened) < city.to_come and dice.random() < MEANWHILE_SHARE:
        what = dice.choice([*MEANWHILE])
        if what in BETWEEN:
            await city.settle_down()
        if told := await MEANWHILE[what](city, house, people):
            city.suffer(what, told, [case for case in house.cases if case in told])
    await city.settle_down()
    city.now += timedelta(seconds=dice.choice((1, 5, 35, 200, 2_000)))


async def _after(city: City, house: House, people: People) -> None:
    """When the last fault is over: let upkeep run, people answer, and whoever is in doubt look."""
    for number in range(AFTER_MAX):
        house.wake_rung()
        await house.look_out()
        await house.keep_time()
        await people.answer(sure=True)
        await people.settle()
        await city.settle_down()
        city.now += timedelta(seconds=40) if number < SOON else timedelta(hours=4 if number < LATER else 24)
        if not any(one.until for one in city.processes) and all([await _is_over(city, x) for x in house.cases]):
            return  # and nobody stands still who has yet to find out


async def _next_request(city: City, house: House, people: People) -> None:
    """Let somebody ask for something more: what whoever died had set aside is given back by the cost centre's next."""
    city.now += LONG_HELD + 2 * timedelta(seconds=OFF_MAX_S)  # by any two clocks it was long ago
    for by, centre in sorted({(one.by, one.centre) for one in WANTED}):
        house.rung.append(await house.submit("GLOVE-M", 1, by, centre))
    await _after(city, house, people)


async def _is_over(city: City, case: str) -> bool:
    return await is_finished(await city.read(case), city.ledger)


async def _judged(city: City, cases: list[str], auditing: Auditing | None) -> tuple[Violation, ...]:
    log, witnessed = await auditing.come_to_rest() if auditing else (None, None)
    found = await check_invariants(
        Ledger(city.store), city.server, city.desk, secrets=(PATIENT,), log=log, witnessed=witnessed, now=city.now
    )
    found += await auditing.alarms() if auditing else []
    for case in cases:
        if not await _is_over(city, case):
            parked = in_doubt(await city.read(case))
            found.append(Violation("I2", case, f"does not come to its end{', in doubt' if parked else ''}"))
    found += [Violation("fell", "", one) for one in city.fallen]
    return tuple(found)


async def _end(city: City, case: str) -> str:
    chain = await city.read(case)
    ended, keys = chain.last("ended"), [line.key for line in chain.having("intent") if line.body["effect"] == "reverse"]
    reversed_too = any("document" in line.body for line in chain.having("outcome") if line.key in keys)
    return f"{ended.body['outcome']['ended']}{' and its bill reversed' * reversed_too}" if ended else "nothing"
