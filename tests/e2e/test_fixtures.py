# SPDX-License-Identifier: MIT
"""The truths that the other tests compare with are true themselves."""

import json
import subprocess

from interpreters import each_supported
from processes import FIXTURES

COMPARE = """
import json, sys, tracemalloc
import known_sizes

sites = known_sizes.make_sites()
known_sizes.rehearse(sites)
tracemalloc.start()
known_sizes.allocate(sites)
for site in sites[::2]:
    site.free_half()
traced = {
    line.traceback[0].lineno: [line.count, line.size]
    for line in tracemalloc.take_snapshot().statistics("lineno")
    if line.traceback[0].filename == known_sizes.__file__
}
told = known_sizes.truth(sites)["sites"]
json.dump([[traced[site["line"]], [site["blocks"], site["bytes"]]] for site in told], sys.stdout)
"""


@each_supported
def test_known_sizes_tells_what_tracemalloc_sees(python):
    finished = subprocess.run(
        [python.path, "-B", "-c", COMPARE], cwd=FIXTURES, capture_output=True, text=True,
        timeout=60)
    assert finished.returncode == 0, finished.stderr
    pairs = json.loads(finished.stdout)
    assert len(pairs) > 10
    for traced, told in pairs:
        assert traced == told


@each_supported
def test_busy_is_unharmed_without_filtrace(python, start):
    busy = start("busy.py", "--blocked", "--fork", "--subprocess", python=python.path)
    assert len(busy.ask("progress")) == 16
