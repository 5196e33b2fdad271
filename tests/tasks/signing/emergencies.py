"""Nights at the hospital: what stories about emergency access need."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from blocks.books import DUTIES
from blocks.records.emergency import EmergencyRules
from blocks.records.people import EmergencyAccess, EmergencyAsk, Review
from blocks.records.policy import Policy, Rulebook
from blocks.rulebook import Shelf, adopt
from tasks.signing import emergency
from tasks.signing.emergency import Acted, Under
from tests.hospital import MORNING, Hospital, plain_policy

RULES = EmergencyRules(
    roles=("department-manager", "implant-coordinator"),
    hours_max=12,
    granters=("department-manager", "procurement-lead", "finance-director"),
    reviewers=("chief-financial-officer", "finance-director"),
    review_days=2,
)
KEY = "em-1"


def night_policy(**changed: Any) -> Policy:
    """The small hospital's policy, with emergency access."""
    return plain_policy().model_copy(update={"emergency_access": RULES} | changed)


@dataclass
class Night:
    """A hospital at night, and what people do about an emergency."""

    hospital: Hospital

    @classmethod
    async def fallen(cls, hospital: Hospital, **changed: Any) -> "Night":
        await adopt(hospital.ledger, night_policy(**changed), actor="door:test", at=MORNING)
        return cls(hospital)

    async def rules(self) -> Rulebook:
        return await Shelf(self.hospital.ledger).in_force(self.hospital.now)

    async def acted(self, by: str) -> Acted:
        rules = await self.rules()
        return Acted(rules.directory.person(by), "test", rules, self.hospital.now)

    async def ask(self, person: str = "mei.tan", **more: Any) -> EmergencyAccess:
        """Let somebody ask to be department manager of the theatres until seven in the morning."""
        now = self.hospital.now
        told = {
            "key": KEY, "person": person, "role": "department-manager", "cost_centres": ("OR",), "start": now,
            "until": now + timedelta(hours=8), "reason": "Nobody of the theatres can be reached", "asked_by": person,
        }  # fmt: skip
        asked = EmergencyAsk.model_validate(told | more)
        return await emergency.ask(asked, await self.acted(asked.asked_by), self.hospital.ledger)

    async def agree(self, by: str, key: str = KEY, shown: str = "") -> EmergencyAccess:
        self.hospital.now += timedelta(minutes=1)
        return await emergency.agree(key, shown, await self.acted(by), self.hospital.ledger)

    async def granted(self, person: str = "mei.tan", **more: Any) -> EmergencyAccess:
        """Let it come into force on the word of Paula Reyes and Frida Ng."""
        await self.ask(person, **more)
        await self.agree("paula.reyes")
        return await self.agree("frida.ng")

    async def end(self, by: str) -> EmergencyAccess:
        self.hospital.now += timedelta(minutes=1)
        return await emergency.end(KEY, await self.acted(by), self.hospital.ledger)

    async def under(self) -> tuple[Under, ...]:
        return await emergency.decided_under(KEY, self.hospital.ledger)

    async def review(self, by: str, words: str = "I looked at both orders", **more: Any) -> EmergencyAccess:
        who = await self.acted(by)
        name = who.by.name if who.by else by
        told = Review.model_validate(
            {"by": by, "name": name, "at": who.at, "verdict": "accepted", "words": words} | more
        )
        return await emergency.review(KEY, told, await self.under(), who, self.hospital.ledger)

    async def waiting(self, by: str = "rita.okafor", **more: Any) -> str:
        """Let a case wait for the theatres' manager."""
        case = await self.hospital.submit("IVSET-20", 200, by=by, **more)
        assert await self.hospital.wake(case) is None
        return case

    async def access(self) -> EmergencyAccess:
        return emergency.find(await self.hospital.chain(DUTIES), KEY, await self.rules())

    def at(self, hours: float) -> datetime:
        return self.hospital.now + timedelta(hours=hours)
