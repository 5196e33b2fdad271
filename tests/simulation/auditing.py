"""The log over all chains and its witness, as processes that die like the others; and what an auditor finds."""

from itertools import count

from blocks.ledger import Ledger, TamperedError
from blocks.sealing.log import Log
from blocks.sealing.sealer import Sealer
from blocks.sealing.witness import Witness, Witnessed
from blocks.wire.signed_note import COSIGNS, SecretKey
from tests.invariants import Violation
from tests.simulation.city import City
from tests.simulation.process import Process
from tests.stores import MemoryStore

KEY = SecretKey.made("log.example/ledger")
WITNESS = SecretKey.made("audit.example/witness", COSIGNS)
SEALERS = 2
"""Any process may seal: two do, at the same time."""


class Auditing:
    """Who seals and who witnesses. Who died is started anew, and knows what the log holds."""

    def __init__(self, city: City) -> None:
        self.city, self.own = city, MemoryStore()
        self._names = count(1)
        self._sealers: dict[int, tuple[Process, Sealer]] = {}
        self._busy: set[Process] = set()
        self._broken: list[Violation] = []
        self._witness: tuple[Process, Witness] | None = None

    def seal(self) -> None:
        """Let the sealers put what is new under a head."""
        for number in range(SEALERS):
            process, sealer = self._sealer(number)

            if process in self._busy:
                continue  # its last round goes on yet, or stands still: a sealer goes one round after the other

            async def sealed(process: Process = process, sealer: Sealer = sealer) -> str:
                self._busy.add(process)
                try:
                    head = await sealer.round(self.city.now)
                finally:
                    self._busy.discard(process)
                return f"{head.size} entries under a head" if head else "nothing new, or another was first"

            process.start("seals", sealed)

    def look(self) -> None:
        """Let the witness look."""
        if self._witness is None or self._witness[0].died:
            process = self.city.process(f"witness-{next(self._names)}")
            log = Log(process.ledger.store, KEY.public)
            self._witness = process, Witness(log, process.way("store", self.own), WITNESS)
        process, witness = self._witness
        if process in self._busy:
            return

        async def looked() -> str:
            self._busy.add(process)
            try:
                alarm = await witness.look(self.city.now)
            finally:
                self._busy.discard(process)
            return f"ALARM: {alarm.why}" if alarm else "cosigned, or nothing new"

        process.start("looks at the log", looked)

    async def come_to_rest(self) -> tuple[Log, Witnessed]:
        """When nothing fails any more: all of it comes under a head, and the witness has seen that."""
        sealer = Sealer(Ledger(self.city.store), KEY)
        try:
            await sealer.follow()
            await sealer.sweep()
            await sealer.seal(self.city.now)
        except TamperedError as error:
            self._broken = [Violation("I5", "log", f"nobody can seal any more: {error}")]
        log = Log(self.city.store, KEY.public)
        await Witness(log, self.own, WITNESS).look(self.city.now)
        return log, Witnessed(self.own, WITNESS.public)

    async def alarms(self) -> list[Violation]:
        """List what the witness would not cosign, and whether nobody can seal: nobody has tampered here."""
        alarms = await Witnessed(self.own, WITNESS.public).alarms()
        return self._broken + [Violation("I5", "witness", one.why) for one in alarms]

    def _sealer(self, number: int) -> tuple[Process, Sealer]:
        if number not in self._sealers or self._sealers[number][0].died:
            process = self.city.process(f"sealer-{next(self._names)}")
            self._sealers[number] = process, Sealer(process.ledger, KEY)
        return self._sealers[number]
