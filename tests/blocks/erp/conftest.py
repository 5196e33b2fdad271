"""A real Tryton for the tests that need one: prepared once a machine, fresh for every session."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from blocks.tryton.erp import TrytonErp
from blocks.tryton.json import header, loads
from blocks.wire.names import reference
from infrastructure.local.erp.home import DATABASE, ErpHome, ErpHomeError, ErpState
from infrastructure.local.erp.prepare import prepare
from infrastructure.local.erp.rpc import Rpc
from infrastructure.local.erp.server import serving
from tests.blocks.erp.contract import Bill, Billed
from tests.needs import missing

PURCHASE = "purchase.purchase"


@dataclass(frozen=True)
class Tryton:
    """A served ERP: its address, the service's key, the administrator's password."""

    url: str
    key: str
    password: str
    today: date

    def count(self, model: str, key: str) -> int:
        """Count the documents under a key, drafts and all, by asking the ERP itself."""
        query = {"d": header([["reference", "=", reference(key)]])}
        says = {"Authorization": f"Bearer {self.key}", "X-Tryton-Context": header({"company": 1})}
        answer = httpx.get(f"{self.url}/{DATABASE}/rest/model/{model}", params=query, headers=says)
        return len(loads(answer.raise_for_status().content))

    def administrator(self, client: httpx.Client) -> Rpc:
        """Log in as the administrator."""
        return Rpc.login(client, f"{self.url}/{DATABASE}/rpc/", "admin", self.password)


@pytest.fixture(scope="session")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """Serve a copy of the seeded ERP on a free port for this session."""
    home = ErpHome(Path(os.environ.get("ALMONER_TEST_HOME", ".almoner-test")))
    try:
        prepare(home, print)
    except (ErpHomeError, OSError) as error:
        missing(f"The ERP cannot be prepared here: {error}")
    # Of its own, so that test processes side by side do not share one database.
    copy = ErpState(tmp_path_factory.mktemp("erp"))
    copy.database.parent.mkdir()
    shutil.copyfile(home.state.pristine, copy.database)
    today = datetime.now(ZoneInfo("America/Chicago")).date()
    with serving(home, copy) as url:
        yield Tryton(url, home.state.key.read_text(), home.state.password.read_text(), today)


@pytest.fixture
def admin(tryton: Tryton) -> Iterator[Rpc]:
    with httpx.Client(timeout=60) as client:
        yield tryton.administrator(client)


@pytest.fixture
async def erp(tryton: Tryton) -> AsyncIterator[TrytonErp]:
    adapter = TrytonErp(tryton.url, DATABASE, tryton.key)
    yield adapter
    await adapter.aclose()


@pytest.fixture
def billed(tryton: Tryton, admin: Rpc) -> Bill:
    """Post the bill that Tryton drew up when the order was confirmed: of what is not received it does so at once."""

    return lambda key, theirs: posted(admin, key, theirs, tryton.today)


def posted(admin: Rpc, key: str, theirs: str, on: date) -> Billed:
    """Post the bill for the order under a key, dated on a day."""
    bills = admin.find(PURCHASE, [["reference", "=", reference(key)]], "invoices")[0]["invoices"]
    admin.model("account.invoice", "write", bills, {"invoice_date": on, "reference": theirs})
    admin.model("account.invoice", "post", bills)
    made = admin.find("account.invoice", [["id", "in", bills]], "number", "move.number")[0]
    return Billed(made["number"], made["move."]["number"])
