"""The family of ports."""

import os
import socket
from pathlib import Path

import pytest

from infrastructure.local.stack import ports, s3
from infrastructure.local.stack.laptop import LAPTOP
from infrastructure.local.stack.parts import chosen
from infrastructure.local.stack.ports import Ports
from infrastructure.local.stack.site import Site
from infrastructure.local.stack.trouble import StackError


def test_one_number_moves_the_whole_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALMONER_PORT_BASE", "28000")
    family = ports.from_environment()
    assert (family["postgres"], family["erp"], family["desk"]) == (28032, 28069, 28090)


def test_the_usual_family_is_the_documented_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALMONER_PORT_BASE", raising=False)
    family = ports.from_environment()
    named = ("postgres", "s3", "prefect", "erp", "doors", "bell", "desk")
    assert [family[name] for name in named] == [18032, 18033, 18042, 18069, 18080, 18081, 18090]


@pytest.mark.parametrize("wrong", ["", "abc", "-1", "80", "65500"])
def test_a_base_that_is_no_family_is_refused_with_an_example(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALMONER_PORT_BASE", wrong)
    with pytest.raises(StackError, match="is not a port family") as told:
        ports.from_environment()
    assert "ALMONER_PORT_BASE=28000" in told.value.remedy


def test_a_taken_port_is_named_with_the_process_that_has_it() -> None:
    family = ports.free_family()
    with socket.create_server(("127.0.0.1", family["prefect"])):
        with pytest.raises(StackError, match=rf"^Port {family['prefect']} \(prefect\) is taken\.") as told:
            ports.require_free(family, ["s3", "prefect"])
        assert f"Stop process {os.getpid()} (" in told.value.remedy
        assert f"export ALMONER_PORT_BASE={family.base + 10000}, then start again" in told.value.remedy


@pytest.mark.parametrize("name", ports.OFFSETS)
def test_a_family_with_any_port_in_use_is_stepped_over(name: str) -> None:
    family = ports.free_family()
    with socket.create_server(("127.0.0.1", family[name])):
        assert ports.free_family().base != family.base


def test_a_socket_that_another_user_left_under_our_ports_is_named_before_anything_starts(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_SOCKETS", tmp_path)
    ours, theirs = (tmp_path / f"seaweedfs-{name}-{site.ports[name]}.sock" for name in ("s3", "s3-grpc"))
    ours.touch()
    s3.command(site)
    assert not ours.exists()
    theirs.mkdir()  # no more to be removed than a stranger's file
    with pytest.raises(StackError, match=f"{theirs} is left from another user's stack") as told:
        s3.command(site)
    assert f"export ALMONER_PORT_BASE={ports.elsewhere(site.ports)}" in told.value.remedy


def test_no_two_servers_want_the_same_port() -> None:
    assert len(set(ports.OFFSETS.values())) == len(ports.OFFSETS)
    wanted = [name for part in LAPTOP for name in part.ports]
    assert len(set(wanted)) == len(wanted)
    assert all(Ports()[name] for name in wanted)


def test_every_part_comes_after_what_it_needs() -> None:
    seen: set[str] = set()
    for part in LAPTOP:
        assert seen.issuperset(part.needs), part.name
        seen.add(part.name)


def test_choosing_parts_brings_what_they_need() -> None:
    names = [part.name for part in chosen(LAPTOP, ["prefect"])]
    assert names == ["tools", "database", "postgres", "prefect"]


def test_a_part_left_out_takes_its_own_needs_with_it() -> None:
    names = {part.name for part in chosen(LAPTOP, ["worker"], without=["erp"])}
    assert "worker" in names
    assert names.isdisjoint({"erp", "erp-database"})


def test_an_unknown_part_is_refused_with_the_list() -> None:
    with pytest.raises(StackError, match="no part called database2") as told:
        chosen(LAPTOP, ["database2"])
    assert "postgres" in told.value.remedy
