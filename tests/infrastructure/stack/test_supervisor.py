"""The supervisor over real processes."""

import asyncio
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from infrastructure.local.stack.narrator import State
from infrastructure.local.stack.parts import Part, answers
from infrastructure.local.stack.ports import taken
from infrastructure.local.stack.site import Site
from infrastructure.local.stack.supervisor import Supervisor
from infrastructure.local.stack.trouble import StackError
from tests.infrastructure.stack.small_servers import Listener, alive, script, server, step, wait_until


async def test_a_part_starts_after_what_it_needs_is_well(site: Site, listener: Listener) -> None:
    parts = [
        server("door", "doors", needs=("desk", "seed")),
        server("desk", "desk"),
        step("seed", "import time; time.sleep(0.3)"),
    ]
    stack = Supervisor(site, parts, listener)
    await stack.start()
    await stack.stop()
    assert listener.in_order("starting")[-1] == "door"
    assert set(listener.in_order("up")) == {"door", "desk"}
    assert listener.in_order("done") == ["seed"]


async def test_a_step_with_nothing_to_do_is_not_run(site: Site, listener: Listener) -> None:
    idle = replace(step("seed", "raise SystemExit(1)"), done=lambda _site: True)
    stack = Supervisor(site, [idle], listener)
    await stack.start()
    await stack.stop()
    assert listener.details("seed", "done") == ["nothing to do"]


async def test_what_a_step_prints_is_passed_on_while_it_runs(site: Site, listener: Listener) -> None:
    stack = Supervisor(site, [step("seed", "print('200 products')")], listener)
    await stack.start()
    await stack.stop()
    assert listener.details("seed", "remark") == ["200 products"]


async def test_a_part_that_is_killed_comes_back_and_it_is_said(site: Site, listener: Listener) -> None:
    stack = Supervisor(site, [server("desk")], listener)
    await stack.start()
    first = stack.pid("desk")
    await stack.kill("desk")
    await stack.until_well("desk")
    second = stack.pid("desk")
    await stack.stop()
    assert second != first
    assert listener.details("desk", "broken") == ["was killed by signal 9; starting it again in 0.5 s"]


async def test_a_part_that_dies_again_and_again_waits_longer_each_time(
    site: Site, listener: Listener, tmp_path: Path
) -> None:
    # It serves once and then dies at every start: a port lost, a database broken.
    fatal = tmp_path / "fatal"
    broken_later = server("desk", before=f"import pathlib, sys\nif pathlib.Path({str(fatal)!r}).exists(): sys.exit(3)")
    stack = Supervisor(site, [broken_later], listener)
    await stack.start()
    fatal.touch()
    await stack.kill("desk")
    await asyncio.to_thread(wait_until, lambda: len(listener.details("desk", "broken")) >= 3)
    fatal.unlink()
    await stack.until_well("desk")
    await stack.stop()
    assert listener.details("desk", "broken")[:3] == [
        "was killed by signal 9; starting it again in 0.5 s",
        "ended with 3; starting it again in 1 s",
        "ended with 3; starting it again in 2 s",
    ]


async def test_a_server_that_asks_for_a_fresh_process_gets_one(site: Site, listener: Listener) -> None:
    weary = server("worker", before="import signal, sys; signal.signal(signal.SIGUSR1, lambda *_: sys.exit(75))")
    weary = replace(weary, renews=75)
    stack = Supervisor(site, [weary], listener)
    await stack.start()
    await stack.kill("worker", signal.SIGUSR1)
    await stack.until_well("worker")
    await stack.stop()
    assert listener.details("worker", "broken") == ["asks for a fresh process; starting it again in 0.5 s"]


async def test_restart_waits_until_the_part_is_well_again(site: Site, listener: Listener) -> None:
    stack = Supervisor(site, [server("desk")], listener)
    await stack.start()
    first = stack.pid("desk")
    await stack.restart("desk")
    assert stack.standings["desk"].state is State.UP
    assert stack.pid("desk") != first
    await stack.stop()


async def test_a_part_that_cannot_start_gives_its_last_words_and_nothing_is_left(
    site: Site, listener: Listener
) -> None:
    broken = step("seed", "raise SystemExit('the seed file is damaged')", needs=("desk",))
    stack = Supervisor(site, [server("desk"), broken], listener)
    with pytest.raises(StackError, match=r"seed did not start: ended with 1.*\n.*the seed file is damaged") as told:
        await stack.start()
    assert "seed.log" in told.value.remedy
    assert not alive(stack.pid("desk"))
    assert not taken(site.ports["desk"])


async def test_a_part_whose_program_is_missing_says_which(site: Site, listener: Listener) -> None:
    stack = Supervisor(site, [Part("tool", lambda _site: ["/no/such/program"])], listener)
    with pytest.raises(StackError, match="/no/such/program"):
        await stack.start()


async def test_a_part_that_never_gets_well_is_given_up_on(site: Site, listener: Listener) -> None:
    deaf = Part("desk", script("import time; time.sleep(60)"), healthy=answers("desk", "/"), patience_s=0.5)
    stack = Supervisor(site, [deaf], listener)
    with pytest.raises(StackError, match=r"was not well within 0\.5 s"):
        await stack.start()
    assert not alive(stack.pid("desk"))


async def test_a_disk_that_fills_while_starting_is_named(site: Site, listener: Listener) -> None:
    full = step("seed", "open('/dev/full', 'w', buffering=1).write('x\\n')")
    stack = Supervisor(site, [full], listener)
    with pytest.raises(StackError, match="disk filled up") as told:
        await stack.start()
    assert told.value.remedy.startswith("Free some space")


async def test_dependents_are_stopped_first(site: Site, listener: Listener) -> None:
    stack = Supervisor(site, [server("desk"), server("door", "doors", needs=("desk",))], listener)
    await stack.start()
    await stack.stop()
    assert listener.in_order("stopped") == ["door", "desk"]


async def test_a_part_that_does_not_listen_is_killed_after_its_grace_with_its_children(
    site: Site, listener: Listener, tmp_path: Path
) -> None:
    stubborn = server(
        "desk",
        before=f"""
            import pathlib, signal, subprocess, sys
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
            pathlib.Path({str(tmp_path / "child")!r}).write_text(str(child.pid))
        """,
    )
    stack = Supervisor(site, [replace(stubborn, grace_s=1)], listener)
    await stack.start()
    await stack.stop()
    assert not alive(stack.pid("desk"))
    wait_until(lambda: not alive(int((tmp_path / "child").read_text())))


async def test_stopping_in_the_middle_of_a_start_leaves_nothing(site: Site, listener: Listener) -> None:
    slow = Part("desk", script("import time; time.sleep(600)"), healthy=answers("desk", "/"))
    stack = Supervisor(site, [slow], listener)
    starting = asyncio.create_task(stack.start())
    await asyncio.to_thread(wait_until, lambda: stack.standings["desk"].state is State.STARTING)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert listener.in_order("stopped") == ["desk"]


async def test_a_taken_port_is_found_before_anything_starts(site: Site, listener: Listener) -> None:
    other = Supervisor(site, [server("desk")], listener)
    await other.start()
    late = Supervisor(site, [step("seed", "pass"), server("desk")], Listener())
    with pytest.raises(StackError, match=rf"Port {site.ports['desk']} \(desk\) is taken") as told:
        await late.start()
    await other.stop()
    assert f"Stop process {other.pid('desk')}" in told.value.remedy
    assert "ALMONER_PORT_BASE" in told.value.remedy
    assert late.standings["seed"].state is State.WAITING
