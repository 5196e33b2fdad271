"""The warm worker as it is, with the little ERP in the place of the real one: `python -m tests.storm.worker …`.

`STORM_PERSONALITY` says how that ERP treats a key.
"""

import os

from blocks import connect
from infrastructure.ending import run_and_leave
from infrastructure.worker import main
from tests.fakes.erp_client import HttpErp
from tests.storm.erp import TREATED


def little_erp() -> HttpErp:
    """Reach the ERP of the storm."""
    return HttpErp(os.environ["ALMONER_ERP_URL"], TREATED[os.environ["STORM_PERSONALITY"]], transport=None)


if __name__ == "__main__":
    connect._erp = little_erp
    run_and_leave(main)
