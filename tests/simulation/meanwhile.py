"""What else happens meanwhile: bells and clicks that go astray, and a world that changes while people think.

Each returns what happened, or nothing where it could not happen now.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

from blocks.errors import RefusedError
from blocks.records.people import Delegation
from blocks.rulebook import adopt
from blocks.wire.names import effect_key
from tasks.decide import Answer
from tasks.requests import Deed
from tasks.signing.people import delegate
from tests.simulation.city import City
from tests.simulation.people import Asked, People, bought
from tests.simulation.upkeep import WORKERS, House

What = Callable[[City, House, People], Awaitable[str]]


async def _some(city: City, people: People) -> Asked | None:
    """Draw something that waits, and that somebody may answer."""
    able = [one for one in await people.asked() if one.able]
    return city.dice.choice(able) if able else None


async def bell_lost(_city: City, house: House, _people: People) -> str:
    """Lose what was rung for."""
    lost, house.rung[:] = ", ".join(house.rung), []
    return lost


async def two_workers(city: City, house: House, _people: People) -> str:
    """Let two workers carry one case at the same moment."""
    case = city.dice.choice(house.cases)
    for number in range(WORKERS):
        house.wake(case, house.worker(number))
    return case


async def clicked_twice(city: City, _house: House, people: People) -> str:
    """Deliver one click several times at once."""
    one = await _some(city, people)
    if one is None:
        return ""
    by, times = city.dice.choice(one.able), city.dice.choice((2, 3, 4))
    for _ in range(times):
        people.click(one, by, "approve")
    return f"{one.waiting.case}, {times} times by {by}"


async def opposite_clicks(city: City, _house: House, people: People) -> str:
    """Let yes and no arrive at once."""
    one = await _some(city, people)
    if one is None:
        return ""
    people.click(one, city.dice.choice(one.able), "approve")
    people.click(one, city.dice.choice(one.able), "reject")
    return one.waiting.case


async def stale_card(city: City, _house: House, people: People) -> str:
    """Let somebody answer a card that shows something else than what is asked."""
    one = await _some(city, people)
    if one is None:
        return ""
    people.click(one, city.dice.choice(one.able), "approve", shown="0" * 64)
    return one.waiting.case


async def late_click(city: City, house: House, people: People) -> str:
    """Let a click arrive about an ask that was over long ago."""
    chain = await city.read(city.dice.choice(house.cases))
    over = [line for line in chain.having("asked") if chain.last("decided", line.key)]
    if not over:
        return ""
    line = city.dice.choice(over)
    by = city.dice.choice(("ivo.petrov", "ana.silva", "frida.ng"))
    people.send(Answer(chain.case, line.key, "approve", str(line.seen)), by)
    return f"{chain.case} {line.key}"


async def withdrawn(city: City, _house: House, people: People) -> str:
    """Let the requester take it back, while somebody answers."""
    one = await _some(city, people)
    if one is None:
        return ""
    people.wish(one, "withdraw", one.waiting.ask.requester)
    people.click(one, city.dice.choice(one.able))
    return one.waiting.case


async def held(city: City, _house: House, people: People) -> str:
    """Let somebody put it on hold, and another resume it at once or answer."""
    one = await _some(city, people)
    if one is None:
        return ""
    by = city.dice.choice(one.able)
    people.wish(one, "hold", by)
    people.wish(one, "resume", by)
    people.click(one, by)
    return one.waiting.case


async def handed_over(city: City, _house: House, people: People) -> str:
    """Let somebody hand it over, or add a colleague."""
    one = await _some(city, people)
    if one is None:
        return ""
    deeds: tuple[Deed, ...] = ("hand-over", "add")
    whom = city.dice.choice(("frida.ng", "leo.brandt", "paula.reyes", "carl.moss"))
    deed = city.dice.choice(deeds)
    people.wish(one, deed, city.dice.choice(one.able), whom)
    return f"{one.waiting.case}, {deed} {whom}"


async def cancelled_twice(city: City, house: House, people: People) -> str:
    """Let two people have one case cancelled at the same moment."""
    able = [case for case in house.cases if bought(await city.read(case))]
    if not able:
        return ""
    case = city.dice.choice(able)
    people.cancel(case)
    people.cancel(case)
    return case


async def goods_arrived(city: City, house: House, _people: People) -> str:
    """Let goods arrive, or leave the store: from then on the ERP takes nothing back."""
    cases = {effect_key(case, effect): case for case in house.cases for effect in ("order", "issue")}
    jobs = [job for job in city.server.jobs if job.booked and job.booked.live]
    if not jobs:
        return ""
    job = city.dice.choice(jobs)
    city.server.books.arrived.add(job.own)
    return f"for {cases[job.reference]}"


async def price_moved(city: City, _house: House, _people: People) -> str:
    """Change what something costs."""
    item = city.dice.choice(("KNEE-TIB-4", "HIP-STEM-12", "VENT-T1", "CENTRI-5"))
    price = city.server.books.prices[item] * city.dice.choice((Decimal("0.8"), Decimal("1.05"), Decimal("1.5")))
    city.server.books.prices[item] = price.quantize(Decimal("0.01"))
    return f"{item} costs {city.server.books.prices[item]}"


async def budget_spent(city: City, _house: House, _people: People) -> str:
    """Spend some of a budget elsewhere."""
    centre, amount = city.dice.choice(("OR", "ICU")), city.dice.choice((5_000, 60_000, 400_000))
    city.server.books.post(centre, amount)
    return f"{amount} of {centre}"


async def somebody_left(city: City, _house: House, _people: People) -> str:
    """Let somebody leave the hospital."""
    _, staff = await city.shelf.directory_in_force(city.now)
    leaver = city.dice.choice(("ivo.petrov", "ana.silva", "frida.ng"))
    gone = tuple(x.model_copy(update={"active": x.active and x.id != leaver}) for x in staff.people)
    changed = staff.model_copy(
        update={"people": gone, "effective_from": city.now.astimezone(ZoneInfo(staff.zone)).date()}
    )
    await adopt(city.ledger, changed, actor="door:test", at=city.now)
    return leaver


async def somebody_lent(city: City, _house: House, _people: People) -> str:
    """Let somebody stand in for another."""
    rules = await city.shelf.in_force(city.now)
    of, to = city.dice.choice((("ivo.petrov", "paula.reyes"), ("ana.silva", "leo.brandt"), ("frida.ng", "carl.moss")))
    until = city.now + timedelta(days=city.dice.choice((1, 9)))
    lent = Delegation(key=f"lent-{len(city.happened)}", of=of, to=to, start=city.now, until=until)
    owner = rules.directory.person(of)
    try:
        await delegate(lent, owner, "test", ledger=city.ledger, rulebook=rules, at=city.now)
    except RefusedError:  # one of them left
        return ""
    return f"{of} to {to}"


async def clock_set(city: City, house: House, _people: People) -> str:
    """Set the clock of a process anew, wrong again, while it carries what it carries."""
    if not city.off_max_s or not house.processes:
        return ""
    one = city.dice.choice(house.processes)
    was = one.off.total_seconds()
    return f"{one.name}: off by {one.set_clock().total_seconds():+.0f} s, was {was:+.0f} s"


async def time_leapt(city: City, _house: House, _people: People) -> str:
    """Let a day and an hour go by, or a week and a day: keys are forgotten, budgets of time run out."""
    leap = city.dice.choice((timedelta(hours=25), timedelta(days=8)))
    city.now += leap
    return str(leap)


MEANWHILE = MappingProxyType({
    "bell lost": bell_lost,
    "two workers": two_workers,
    "clicked twice": clicked_twice,
    "opposite clicks": opposite_clicks,
    "stale card": stale_card,
    "late click": late_click,
    "withdrawn": withdrawn,
    "held": held,
    "handed over": handed_over,
    "cancelled twice": cancelled_twice,
    "goods arrived": goods_arrived,
    "price moved": price_moved,
    "budget spent": budget_spent,
    "somebody left": somebody_left,
    "somebody lent": somebody_lent,
    "time leapt": time_leapt,
    "clock set": clock_set,
})  # fmt: skip
BETWEEN = ("time leapt",)
"""What happens between two rounds, while nobody stands between the last look at a claim and the call itself."""
