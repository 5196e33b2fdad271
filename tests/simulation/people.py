"""The people: they answer what waits for them, do what else one can do with it, and look where there is doubt."""

from datetime import timedelta
from itertools import count
from typing import NamedTuple

from blocks import connect
from blocks.ledger import Chain
from blocks.records.approval import Verdict
from blocks.wire.names import effect_key
from blocks.wire.report import in_doubt
from tasks.cancelling import BOUGHT, CannotCancelError, Unwanted, cancel
from tasks.clock import Waiting, waiting_of
from tasks.decide import Answer, Verdicts, decide
from tasks.parked import CannotSettleError, Said, settle
from tasks.requests import Deed, Wish, carry_out
from tasks.reversing import CannotReverseError, Wrong, agree_to_reverse, ask_to_reverse, open_ask, tell_of_reversal
from tasks.showing import locked_card
from tests.samples import PATIENT
from tests.simulation.city import City
from tests.simulation.process import Process

LOOKS_AFTER = timedelta(minutes=5)
"""A person looks into the ERP when what was under way has come to be there: no sooner."""
YES_SHARE = 0.85
SLIP_SHARE = 0.2
"""How often who says no names a patient."""
PAID_SHARE = 0.1
DOORS = 2


class Asked(NamedTuple):
    """An ask that waits, and who may answer it."""

    waiting: Waiting
    able: tuple[str, ...]


def bought(chain: Chain) -> bool:
    """Say whether a case has ended with something that can be taken back."""
    ended = chain.last("ended")
    return ended is not None and ended.body["outcome"]["ended"] in BOUGHT


class People:
    """Everybody with a phone."""

    def __init__(self, city: City, cases: list[str], bell: list[str]) -> None:
        self.city, self.cases, self.bell = city, cases, bell
        self._doors: list[Process] = []
        self._names = count(1)

    async def asked(self) -> list[Asked]:
        """List what waits, with who may answer; read past every fault, as people read their screens."""
        found: list[Asked] = []
        for case in self.cases:
            waiting = await waiting_of(await self.city.read(case), self.city.shelf, self.city.now)
            found += [Asked(one, tuple(x.id for x in one.who_may(self.city.now))) for one in waiting]
        return found

    async def answer(self, *, sure: bool = False) -> None:
        """Let somebody answer some of what waits; *sure*: all of it."""
        for one in await self.asked():
            if one.able and (sure or self.city.dice.random() < 0.6):
                self.click(one, self.city.dice.choice(one.able))

    def click(self, one: Asked, by: str, verdict: Verdict | None = None, shown: str = "") -> None:
        """Let somebody click, in a door of their own."""
        waiting, dice = one.waiting, self.city.dice
        verdict = verdict or ("approve" if dice.random() < YES_SHARE else "reject")
        note = "too dear" if verdict == "reject" else ""
        if note and dice.random() < SLIP_SHARE:  # it is not taken; somebody answers again
            note = f"the implant of MRN {PATIENT} will do"
        seen = shown or str(next(line.seen for line in waiting.lines if line.act == "asked"))
        self.send(Answer(waiting.case, waiting.ask.key, verdict, seen, note), by)

    def door(self) -> Process:
        """Find a door; who died is started anew."""
        self._doors = [one for one in self._doors if not one.died]
        while len(self._doors) < DOORS:
            self._doors.append(self.city.process(f"door-{next(self._names)}"))
        return self.city.dice.choice(self._doors)

    def send(self, answer: Answer, by: str) -> None:
        """Let an answer arrive at a door."""
        door = self.door()

        async def clicked() -> str:
            rulebook = await door.outside.shelf.in_force(door.clock())
            person = rulebook.directory.person(by)
            told = await decide(answer, person, "test", ledger=door.ledger, rulebook=rulebook, at=door.clock())
            await self._followed(told, rulebook.directory.zone)
            return f"{told.taken}: {told.text}"

        door.start(f"{by} {answer.verdict}s {answer.case} {answer.ask}", clicked, answer.case)

    async def _followed(self, told: Verdicts, zone: str) -> None:
        """Ring, and let the card show what became of it."""
        if told.taken == "counted" and told.chain:
            self.bell.append(told.chain.case)
        if told.taken in ("counted", "late") and told.ask and told.chain and told.posted:
            card = locked_card(told.chain, told.ask, zone)
            if card:
                await connect.desk().redraw(told.posted, card)

    def wish(self, one: Asked, deed: Deed, by: str, whom: str = "") -> None:
        """Let somebody do something else with a request."""
        door, ask = self.door(), one.waiting.ask
        seen = str(next(line.seen for line in one.waiting.lines if line.act == "asked"))
        wanted = Wish(ask.case, ask.key, deed, seen, whom, "it waits for the committee" if deed == "hold" else "")

        async def wished() -> str:
            rulebook = await door.outside.shelf.in_force(door.clock())
            person = rulebook.directory.person(by)
            told = await carry_out(wanted, person, "test", ledger=door.ledger, rulebook=rulebook, at=door.clock())
            await self._followed(told, rulebook.directory.zone)
            return f"{told.taken}: {told.text}"

        door.start(f"{by} wants {deed} of {ask.case}", wished, ask.case)

    async def take_back(self, share: float) -> None:
        """Let somebody want no more what was bought, now and then."""
        for case in self.cases:
            if self.city.dice.random() < share and bought(await self.city.read(case)):
                self.cancel(case)

    def cancel(self, case: str) -> None:
        """Let the requester, or somebody who may not, have it cancelled."""
        city, door = self.city, self.door()
        by = city.dice.choice(("rita.okafor", "sam.lind", "ivo.petrov"))

        async def asked() -> str:
            person = (await door.outside.shelf.in_force(door.clock())).directory.person(by)
            unwanted = Unwanted(case, "the operation was called off")
            try:
                told = await cancel(unwanted, person, "test", ledger=door.ledger, at=door.clock())
            except CannotCancelError as error:
                return f"not taken: {error}"
            self.bell.append(case)
            return told

        door.start(f"{by} cancels {case}", asked, case)

    def bill(self, share: float) -> None:
        """Let suppliers bill what was ordered, now and then; some bills are paid before anybody looks."""
        dice, books = self.city.dice, self.city.server.books
        for job in [x for x in self.city.server.jobs if x.kind == "orders" and books.is_open(x.own)]:
            if dice.random() < share:
                entry = f"J-{books.bill(job.own)}"
                books.bills.paid |= {entry} if dice.random() < PAID_SHARE else set()

    def correct(self, share: float) -> None:
        """Let somebody say that the entry of a bill is wrong, or agree, now and then."""
        cases = {effect_key(case, "order"): case for case in self.cases}
        orders = {job.own: job.reference for job in self.city.server.jobs}
        for bill in self.city.server.books.bills.posted:
            if self.city.dice.random() < share:
                self.reverse(cases[orders[bill.key]], bill.entry)

    def reverse(self, case: str, entry: str) -> None:
        """Let somebody ask for an entry to be reversed, or agree where another has; or somebody who may not."""
        city, door = self.city, self.door()
        by = city.dice.choice(("paula.reyes", "frida.ng", "carl.moss", "ana.silva", "ivo.petrov", "rita.okafor"))

        async def said() -> str:
            at, ledger = door.clock(), door.ledger
            rules, wrong = await door.outside.shelf.in_force(at), Wrong(case, entry, "billed twice")
            person, agrees = rules.directory.person(by), open_ask(await ledger.read(case), entry)
            try:
                if agrees:
                    told = await agree_to_reverse(wrong, person, "test", ledger=ledger, rulebook=rules, at=at)
                else:
                    erp = connect.erp()
                    told = await ask_to_reverse(wrong, person, "test", ledger=ledger, erp=erp, rulebook=rules, at=at)
            except CannotReverseError as error:
                return f"not taken: {error}"
            await tell_of_reversal(wrong, rules, at)
            self.bell.extend([case] * bool(agrees))
            return told

        door.start(f"{by} wants {entry} of {case} reversed", said, case)

    async def settle(self) -> None:
        """Let a person look into the ERP's own books where nobody else can tell, and say what they saw."""
        for case in self.cases:
            chain = await self.city.read(case)
            parked = in_doubt(chain)
            if parked and parked.at + LOOKS_AFTER <= self.city.now:
                self._settle(case, parked.key)

    def _settle(self, case: str, key: str) -> None:
        city, door = self.city, self.door()
        made = [one.document.number for one in city.server.booked() if one.document.key == key]
        said = Said(case, "made", made[0]) if made else Said(case, "not-made")

        async def settled() -> str:
            ledger, clock = door.ledger, door.clock
            at, refused = clock(), ""
            rules = await door.outside.shelf.in_force(at)
            for person in rules.directory.people:  # whoever may: who approved it may not
                try:
                    told = await settle(
                        said, person, "test", ledger=ledger, erp=connect.erp(), rulebook=rules, at=at, clock=clock
                    )
                except CannotSettleError as error:
                    refused = f"not taken: {error}"
                else:
                    self.bell.append(case)
                    return f"{person.name}: {told}"
            return refused

        door.start(f"somebody settles {case}", settled, case)
