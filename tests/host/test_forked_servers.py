"""Tests fork their servers from a process that has the libraries; such a server is as one that starts by itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from live import forked, server
from live.client import Client
from live.server import miniwebui

OWN_PROCESS = {"A_VARIABLE_OF_THIS_TEST": "1"}
"""With another environment than the tests' a server is no fork."""


def _seen(client: Client) -> list[object]:
    paths = ("sdapi/v1/scripts", "sdapi/v1/samplers", "sdapi/v1/options", "sdapi/v1/cmd-flags", "hypersd/v1/status")
    found = [client.get(f"/{path}") for path in paths]
    for key in ("port", "data_dir"):
        found[3].pop(key, None)
    return found


@pytest.mark.parametrize("profile", ["forge", "a1111"])
def test_a_fork_answers_as_a_process_of_its_own(profile: str, tmp_path: Path) -> None:
    arguments = ("--nowebui", "--data-dir", str(tmp_path))
    with miniwebui(profile, *arguments) as client:
        fork = _seen(client)
    with miniwebui(profile, *arguments, environment=OWN_PROCESS) as client:
        assert _seen(client) == fork


@pytest.mark.skipif(sys.platform != "linux", reason="forks are made on Linux alone")
def test_it_is_a_fork_where_the_environment_is_the_tests_own(tmp_path: Path) -> None:
    started = []
    for environment in ({}, OWN_PROCESS):
        more = ["--port", str(server.free_port()), "--nowebui"]
        started.append(server.start("forge", more, tmp_path / "log.txt", environment=environment))
    server.stop(*started)
    assert [isinstance(process, forked.Fork) for process in started] == [True, False]
