# SPDX-License-Identifier: MIT
"""The targets of the benchmark do what it relies on."""

import os
import signal
import subprocess
import time
import urllib.request

import pytest

from images import thread_states
from interpreters import DEBIAN_PATH
from processes import BUILD, FILTRACE, ROOT, Missing

PULSE = BUILD / "tests/soak/pulse.so"
STILL_SECONDS = 0.2

each_workload = pytest.mark.parametrize("kind", ["small", "json", "bytes", "numpy", "blocks"])
each_service = pytest.mark.parametrize("kind", ["flask", "asyncio", "django"])


@pytest.fixture
def begin(start):
    """Start a target; without what it needs, the test is skipped."""
    def begin(*arguments):
        try:
            return start(*arguments)
        except Missing as missing:
            pytest.skip(str(missing))
    return begin


def ask_for_pages(service, numbers):
    for n in numbers:
        url = f"http://{service.facts['address']}/page-{n}"
        with urllib.request.urlopen(url, timeout=10) as response:
            assert f"<title>page-{n}</title>" in response.read().decode()


@each_workload
def test_workload_tells_its_speed(kind, begin):
    told = begin("workloads.py", kind, "--threads", 2, "--depth", 20).ask("measure 0.2")
    assert told["iterations"] > 0
    assert told["wall_seconds"] >= 0.2
    assert told["iterations_per_cpu_second"] == told["iterations"] / told["cpu_seconds"]


@each_workload
def test_leaking_line_of_workload_keeps_most(kind, begin):
    workload = begin("workloads.py", kind)
    kept = workload.ask("memory")["leaked_bytes"]
    workload.ask("tracemalloc 1")
    workload.ask("measure 0.3")
    assert workload.ask("top") == workload.ask("leak")
    assert workload.ask("memory")["leaked_bytes"] > kept


@each_service
def test_leaking_line_of_service_keeps_most(kind, begin):
    service = begin("services.py", kind)
    ask_for_pages(service, range(100))
    kept = service.ask("memory")["leaked_bytes"]
    service.ask("tracemalloc 1")
    ask_for_pages(service, range(100, 300))
    assert service.ask("top") == service.ask("leak")
    assert service.ask("memory")["leaked_bytes"] - kept > 200 * 4_000


@pytest.mark.skipif(not PULSE.exists(), reason=f"{PULSE} is not built")
def test_watched_workload_sees_that_it_was_stopped(begin):
    workload = begin("workloads.py", "json", "--pulse", PULSE)
    assert workload.ask("watch") == "watching"
    os.kill(workload.pid, signal.SIGSTOP)
    # A thread without a processor takes the signal later.
    while any(state != "T" for state, _ in thread_states(workload.pid)):
        time.sleep(0.001)
    time.sleep(STILL_SECONDS)
    os.kill(workload.pid, signal.SIGCONT)
    assert max(workload.ask("still")) >= STILL_SECONDS * 0.9


def test_held_blocks_stay_until_they_are_let_go(begin):
    workload = begin("workloads.py", "small")
    before = workload.ask("memory")["rss_bytes"]
    assert workload.ask("hold 10000 4000") == 10_000
    assert workload.ask("memory")["rss_bytes"] - before > 30_000_000
    assert workload.ask("hold 0 0") == 0


@pytest.mark.skipif(not PULSE.exists(), reason=f"{PULSE} is not built")
def test_benchmark_measures_filtrace_without_peers(tmp_path):
    program = ROOT / "tests/bench/bench.py"
    finished = subprocess.run(
        [DEBIAN_PATH, "-B", program, "--only", "w1", "--peers", "none", "--pairs", "2",
         "--seconds", "0.3", "--markdown", "table.md"], cwd=tmp_path, timeout=120,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "FILTRACE": FILTRACE})
    assert finished.returncode == 0, finished.stdout
    rows = [line.split("|")[1:-1] for line in (tmp_path / "table.md").read_text().splitlines()
            if line.startswith("|")]
    assert [row[0].strip() for row in rows] == ["w1 small objects", "---", "nothing", "filtrace"]
    assert len(set(map(len, rows))) == 1
    middle, *_ = rows[3][1].split()
    assert float(middle) > 0
