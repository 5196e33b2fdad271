"""The house: two workers that carry cases, the bell, the lookout and the clock's rounds, as processes that die."""

import json
from itertools import count

from blocks import connect
from tasks.arrivals import Message, receive
from tasks.case import Case, OvertakenError, Waiting
from tasks.durable import PROCESSES, carry
from tasks.effects import InDoubtError
from tasks.results import keep_result, result_of
from tasks.upkeep.lookout import Lookout
from tasks.upkeep.rounds import Rounds
from tests.samples import PATIENT
from tests.simulation.city import City
from tests.simulation.process import Process

WORKERS = 2
ROUND_THE_CLOCK = 1e9
"""The share of the time the lookout may fill: it looks at everything each time."""


class House:
    """What runs for the hospital. Who died is started anew."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.rung: list[str] = []
        self.cases: list[str] = []
        self._names = count(1)
        self._workers: list[Process] = []
        self._upkeep: Process | None = None

    async def submit(self, item: str, quantity: int, by: str, centre: str) -> str:
        """Let somebody ask for something; what arrives is taken until it is in."""
        raw = {"requester": by, "cost_centre": centre, "item": item, "quantity": quantity}
        message = Message("inventory", f"message-{next(self._names)}", json.dumps(raw).encode())
        door = Process(self.city, "door")
        ledger = connect.Outside(door.ledger, door.outside.shelf)
        coming, self.city.to_come = self.city.to_come, 0  # what sends it sends it again: told by other tests
        receipt = await receive(message, ledger.ledger, ledger.shelf, door.clock())
        self.city.to_come = coming
        self.cases.append(receipt.case_or_raise())
        self.city.open.add(self.cases[-1])
        return self.cases[-1]

    async def turn_away(self) -> None:
        """Let somebody ask who names a patient: it is put aside, and stands nowhere but with the vault."""
        raw = {"requester": "rita.okafor", "cost_centre": "OR", "item": "GLOVE-M", "quantity": 1}
        message = Message(
            "inventory", f"message-{next(self._names)}", json.dumps(raw | {"reason": f"MRN {PATIENT}"}).encode()
        )
        receipt = await receive(message, self.city.ledger, self.city.shelf, self.city.now)
        assert receipt.case is None, "a request that names a patient became a case"

    def worker(self, number: int) -> Process:
        """Find a worker, or start the one that takes its place."""
        while len(self._workers) <= number:
            self._workers.append(self.city.process(f"worker-{next(self._names)}"))
        if self._workers[number].died:
            self._workers[number] = self.city.process(f"worker-{next(self._names)}")
        return self._workers[number]

    @property
    def processes(self) -> list[Process]:
        """Whoever lives, of workers and upkeep."""
        everybody = (*self._workers, *([self._upkeep] if self._upkeep else ()))
        return [one for one in everybody if not one.died]

    def wake_rung(self) -> None:
        """Let a worker carry each case that was rung for."""
        rung, self.rung[:] = tuple(self.rung), []
        for case in rung:
            self.wake(case, self.worker(self.city.dice.randrange(WORKERS)))

    def wake(self, case: str, worker: Process) -> None:
        """Let a worker carry a case."""
        worker.start(f"carries {case}", lambda: self._carried(case, worker), case)

    async def _carried(self, name: str, worker: Process) -> str:
        city, ledger = self.city, worker.ledger
        chain = await ledger.read(name)
        holder = f"{city.dice.getrandbits(32):08x}"
        case = Case(ledger, chain, "process:requisition", clock=worker.clock, holder=holder)
        try:
            outcome = await carry(PROCESSES["requisition"], case)
        except Waiting as waiting:
            return f"waits for {waiting.on}"
        except (OvertakenError, InDoubtError) as error:
            return str(error)
        await keep_result(result_of(case.chain, outcome), ledger)
        return outcome.ended

    async def look_out(self) -> None:
        """Ring for what stands still."""
        upkeep, lookout, _ = self._at_upkeep()

        async def looked() -> str:
            still = await lookout.standing_still(upkeep.ledger)
            self.rung.extend([case for case in still if case not in self.rung])
            return ", ".join(still) or "all well"

        upkeep.start("looks out", looked)

    async def keep_time(self) -> None:
        """Let the clock go round."""
        upkeep, _, rounds = self._at_upkeep()

        async def gone() -> str:
            found = await rounds.go(upkeep.clock())
            self.rung.extend([case for case in found.ring if case not in self.rung])
            return str(dict(found.done))

        upkeep.start("goes round", gone)

    def _at_upkeep(self) -> tuple[Process, Lookout, Rounds]:
        if self._upkeep is None or self._upkeep.died:
            self._upkeep = one = self.city.process(f"upkeep-{next(self._names)}")
            self._lookout = Lookout(clock=one.clock, share=ROUND_THE_CLOCK)
            assert one.outside.desk is not None
            self._rounds = Rounds(one.ledger, one.outside.shelf, one.outside.desk)
        return self._upkeep, self._lookout, self._rounds
