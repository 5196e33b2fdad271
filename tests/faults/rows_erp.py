"""Rows 11 to 17: the ERP does it and we do not hear of it, or hears of it twice, or treats our key in its own way."""

import asyncio
import shutil
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from blocks.wire.names import effect_key
from blocks.wire.report import in_doubt
from tests.crashes import posting
from tests.crashes.posting import IN_DOUBT, UNAVAILABLE
from tests.crashes.zygote import Zygote
from tests.fakes.erp_server import DAY_S, NOBODY_TELLS, PERSONALITIES
from tests.faults import guards
from tests.faults.matrix import Stage, row
from tests.faults.proxy import Fault
from tests.faults.scene import LOOK_UPS, ORDERS, Scene, approved
from tests.faults.waiting import until
from tests.faults.wrongs import misreported, refused, slow, twice, unheard
from tests.hospital import MORNING
from tests.invariants import Violation
from tests.needs import missing

LAGS, NOTHING, DAY = "a look-up that lags", "nothing at all", "a key kept for a day"


async def _under_all(stage: Stage, *makes: Callable[[], Fault]) -> list[Violation]:
    """Order under every personality while the answer to the first call goes wrong, each in its turn."""
    found: list[Violation] = []
    for n, personality in enumerate(PERSONALITIES):
        async with approved(stage.root / str(n), personality) as scene:
            scene.proxy.arm(ORDERS, makes[n % len(makes)]())
            await scene.woken()
            await scene.goes_on()
            found += await scene.found()
            if scene.parked and personality not in NOBODY_TELLS:
                found.append(
                    Violation("needless", scene.case, f"a person had to look, although {personality} can tell")
                )
    return found


@row(11, "The ERP commits, and we never hear of it", guard="what was tried before is looked up first",
     without=guards.forgetful, shows="I1")  # fmt: skip
async def answer_lost(stage: Stage) -> list[Violation]:
    return await _under_all(stage, unheard)


@row(11, "The ERP commits, and the connection is reset", guard="what was tried before is looked up first",
     without=guards.forgetful, shows="I1")  # fmt: skip
async def answer_reset(stage: Stage) -> list[Violation]:
    return await _under_all(stage, partial(unheard, broken=True))


@row(11, "The network delivers the call twice, and the answer not at all", guard="a key made before the call",
     without=guards.new_keys, shows="I9")  # fmt: skip
async def delivered_twice(stage: Stage) -> list[Violation]:
    """Only a system that knows a key before it judges can tell the two apart: no client can."""
    found: list[Violation] = []
    for n, (name, personality) in enumerate(PERSONALITIES.items()):
        if not personality.knows_before_it_judges:
            continue
        async with approved(stage.root / str(n), name) as scene:
            scene.proxy.arm(ORDERS, twice())
            scene.proxy.arm(ORDERS, unheard())
            await scene.woken()
            await scene.goes_on()
            found += await scene.found()
    return found


@row(12, "The ERP commits and answers 500, 502 or 504", guard="what was tried before is looked up first",
     without=guards.forgetful, shows="I1")  # fmt: skip
async def misreported_as_failed(stage: Stage) -> list[Violation]:
    return await _under_all(stage, *(partial(misreported, status) for status in (500, 502, 504)))


@row(12, "The ERP commits and answers 503", guard="a key made before the call", without=guards.new_keys,
     shows="I9")  # fmt: skip
async def misreported_as_busy(stage: Stage) -> list[Violation]:
    """503 says that nothing was done. Where it lies, only who knows a key before judging can tell the calls apart."""
    found: list[Violation] = []
    for n, (name, personality) in enumerate(PERSONALITIES.items()):
        if not personality.knows_before_it_judges:
            continue
        async with approved(stage.root / str(n), name) as scene:
            scene.proxy.arm(ORDERS, misreported(503))
            await scene.woken()
            await scene.goes_on()
            found += await scene.found()
    return found


@row(13, "The ERP commits after we gave up waiting", guard="absent is not gone before the lag is over",
     without=guards.hasty, shows="I1")  # fmt: skip
async def committed_late(stage: Stage) -> list[Violation]:
    """The call arrives 0.9 s late and we wait for 0.4 s: ninety and ten seconds are the same to whoever looks it up.

    Under each ERP that can be asked, also where the second call gets there first, or is refused meanwhile.
    """
    found: list[Violation] = []
    for n, name in enumerate(name for name, how in PERSONALITIES.items() if how.finds):
        async with approved(stage.root / str(n), name) as scene:
            scene.server.shows_after_s = 0
            scene.proxy.arm(ORDERS, slow(0.9))
            await scene.woken()
            scene.pass_s(30)
            await scene.woken()
            assert scene.proxy.met(LOOK_UPS), "nobody looked before it came"
            await until(lambda proxy=scene.proxy: "slow" in proxy.faults(), "the call arrives in the end")
            await scene.goes_on()
            found += await scene.found()
    return found


@row(14, "The look-up shows a document half a minute late", guard="absent is not gone before the lag is over",
     without=guards.hasty, shows="I1")  # fmt: skip
async def look_up_lags(stage: Stage) -> list[Violation]:
    async with approved(stage.root, LAGS) as scene:
        scene.server.shows_after_s = 30
        scene.proxy.arm(ORDERS, unheard())
        await scene.woken()
        scene.pass_s(10)
        await scene.woken()
        await scene.goes_on()
        return await scene.found()


async def _outlasted(stage: Stage, personality: str, outage: timedelta) -> list[Violation]:
    async with approved(stage.root, personality) as scene:
        scene.proxy.arm(ORDERS, unheard())
        scene.proxy.arm(ORDERS, refused(503, retry_after_s=3600), times=None)
        await scene.woken()
        scene.hospital.now += outage
        scene.proxy.heal()
        await scene.goes_on()
        found = await scene.found()
        if not scene.parked:
            found.append(Violation("15", scene.case, "nobody was asked, although no system could tell any more"))
        return found


@row(15, "An outage of 25 hours outlasts a key kept for a day", guard="a key is trusted as long as it is kept",
     without=guards.trusting, shows="I1")  # fmt: skip
async def outlasts_a_day(stage: Stage) -> list[Violation]:
    return await _outlasted(stage, "a key kept for a day", timedelta(hours=25))


@row(15, "An outage of eight days outlasts a key kept for a week", guard="a key is trusted as long as it is kept",
     without=guards.trusting, shows="I1")  # fmt: skip
async def outlasts_a_week(stage: Stage) -> list[Violation]:
    return await _outlasted(stage, "a key kept for a week", timedelta(seconds=8 * DAY_S))


@row(15, "The same outage, by the clocks of the workers' own processes", guard="a key is trusted as long as it is kept",
     without=guards.elsewhere("trusting"), shows="I1")  # fmt: skip
async def outlasts_a_day_of_the_workers(stage: Stage) -> list[Violation]:
    """Two workers under libfaketime, 25 hours apart: each goes by what its machine says the time is."""
    if not shutil.which("faketime"):
        missing("There is no faketime here: apt-get install faketime.")
    async with approved(stage.root, DAY) as scene:
        scene.proxy.arm(ORDERS, unheard())
        scene.proxy.arm(ORDERS, refused(503, retry_after_s=3600), times=None)
        asked = {"root": str(stage.root.parent), "erp": scene.proxy.url, "personality": DAY, "case": scene.case}
        statuses = []
        for hours in (1, 26):
            scene.hospital.now = MORNING + timedelta(hours=hours)
            worker = Zygote(posting.__name__, before=("faketime", "-f", f"@{scene.hospital.now:%Y-%m-%d %H:%M:%S}"))
            try:
                told = {**asked, "now": "", "without": guards.taken_out()}
                statuses.append(await asyncio.to_thread(worker.carry, told))
            finally:
                worker.close()
            scene.proxy.heal()
        found = await scene.found()
        if statuses != [UNAVAILABLE, IN_DOUBT]:
            found.append(Violation("15", scene.case, f"the workers ended with {statuses}, and asked nobody"))
        return found


@row(16, "The ERP says 409: the first call is still at work", guard="a key made before the call",
     without=guards.new_keys, shows="I9")  # fmt: skip
async def still_at_work(stage: Stage) -> list[Violation]:
    async with approved(stage.root, "409 at work, 422 for something else") as scene:
        scene.server.slow_s = 60
        scene.proxy.arm(ORDERS, misreported(504))
        await scene.woken()
        assert 409 in {one.status for one in scene.proxy.met(ORDERS)} or scene.server.jobs[1:], "never said 409"
        await scene.goes_on()
        return await scene.found()


@row(16, "The ERP says 422: our key stands for something else", guard="that is no refusal: a person looks",
     without=guards.final, shows="I2")  # fmt: skip
async def stands_for_something_else(stage: Stage) -> list[Violation]:
    async with approved(stage.root, "409 at work, 422 for something else") as scene:
        await _ordered_by_somebody_else(scene)
        scene.proxy.arm(ORDERS, slow(0))
        await scene.woken()
        await scene.goes_on(people=False)
        found = [one for one in await scene.found() if one.invariant != "I3"]  # the other's document is not ours
        chain = await scene.hospital.chain(scene.case)
        if len(scene.server.booked()) != 1 or not (in_doubt(chain) or chain.last("ended")):
            found.append(Violation("16", scene.case, "it is neither left alone nor named as in doubt"))
        return found


async def _ordered_by_somebody_else(scene: Scene) -> None:
    """Let somebody order something else under the key that will be ours: the case as it will draft it, doubled."""
    hospital, erp = scene.hospital, scene.hospital.erp
    async with approved(hospital.ledger.store._root.parent / "elsewhere", NOTHING) as other:
        await other.woken()
        (made,) = other.server.booked()
    await erp.order(made.draft.model_copy(update={"quantity": 2}), key=effect_key(scene.case, "order"))


@row(16, "The ERP says 400, and where the first one is", guard="the address of the first is followed",
     without=guards.deaf_to_addresses, shows="I2")  # fmt: skip
async def pointed_at_the_first(stage: Stage) -> list[Violation]:
    async with approved(stage.root, "400 and the address of the first") as scene:
        scene.proxy.arm(ORDERS, unheard())
        await scene.woken()
        await scene.goes_on()
        return await scene.found()


@row(17, "An ERP without key or look-up takes everything twice", guard="it is never tried again by itself",
     without=guards.forgetful, shows="I1")  # fmt: skip
async def takes_everything_twice(stage: Stage) -> list[Violation]:
    async with approved(stage.root, NOTHING) as scene:
        scene.proxy.arm(ORDERS, unheard())
        await scene.woken()
        for _ in range(3):
            scene.pass_s(DAY_S)
            await scene.woken()
        found = [] if in_doubt(await scene.hospital.chain(scene.case)) else [Violation("17", scene.case, "is no doubt")]
        if len(scene.proxy.met(ORDERS)) > 1:
            found.append(Violation("17", scene.case, "was sent again without anybody having looked"))
        await scene.goes_on()
        return found + await scene.found()
