# SPDX-License-Identifier: MIT
"""C allocators that are preloaded: every block counts once, and nothing comes to harm."""

import os
import random
import shutil
import subprocess
import time

import pytest

from images import assert_left_alone
from interpreters import DEBIAN_PATH
from processes import FIXTURES
from test_exact import EVERY_BLOCK, assert_equals_truth

FOLDERS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"]
LIBRARIES = {
    "jemalloc": ["libjemalloc.so.2"],
    "tcmalloc": ["libtcmalloc_minimal.so.4"],
    "mimalloc": ["libmimalloc.so.2", "libmimalloc.so.3"],
}


def find_library(names):
    paths = [os.path.join(folder, name) for folder in FOLDERS for name in names]
    return next(filter(os.path.exists, paths), None)


@pytest.fixture(params=LIBRARIES)
def preload(request):
    """The environment in which a target uses another allocator."""
    path = find_library(LIBRARIES[request.param])
    if not path:
        pytest.skip(f"{LIBRARIES[request.param][0]} is not installed")
    return {"LD_PRELOAD": path}


def test_every_block_counts_exactly_once(preload, start, filtrace):
    known = start("known_sizes.py", environment=preload)
    known.ask("allocate")
    known.ask("mark")
    tracing = filtrace.record(known, *EVERY_BLOCK)
    known.ask("allocate")
    truth = known.ask("free")
    assert tracing.interrupt().returncode == 0
    assert_equals_truth(filtrace.report(), truth)
    assert_left_alone(known.pid)


def test_python_without_pymalloc_counts_exactly_too(preload, start, filtrace):
    known = start("known_sizes.py", environment={**preload, "PYTHONMALLOC": "malloc"})
    known.ask("mark")
    tracing = filtrace.record(known, *EVERY_BLOCK)
    known.ask("allocate")
    truth = known.ask("free")
    assert tracing.interrupt().returncode == 0
    for site in truth["sites"]:
        site["kinds"] = {"pymalloc": 0, "malloc": site["bytes"]}
    assert_equals_truth(filtrace.report(), truth)


def test_many_attaches_harm_nobody(preload, start, filtrace):
    busy = start("busy.py", "--blocked", "--threads", "8", environment=preload)
    for n in range(int(os.environ.get("FILTRACE_TEST_CYCLES", "10"))):
        finished = filtrace.run("record", "-p", busy.pid, "-o", f"c{n}", "-d", "0.1")
        assert finished.returncode == 0, finished.stderr
    assert_left_alone(busy.pid)
    busy.await_progress()


def test_kills_at_random_moments_harm_nobody(preload, start, filtrace):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    busy = start("busy.py", "--blocked", environment=preload)
    for n in range(20):
        tracing = filtrace.start(
            "record", "-p", busy.pid, "-o", f"capture-{n}", "--sample-bytes", "16K")
        time.sleep(moments.choice([0.02, 0.1, 0.5]) * moments.random())
        tracing.kill()
        assert busy.is_running(), f"dead after kill {n}"
    busy.await_progress()

    assert filtrace.run("record", "-p", busy.pid, "-o", "next", "-d", "1").returncode == 0
    assert_left_alone(busy.pid)
    busy.await_progress()


def test_exceptions_of_operator_new_pass_its_gate(
        preload, start, filtrace, tmp_path, tmp_path_factory):
    compiler = shutil.which("c++")
    if not compiler:
        pytest.skip("there is no C++ compiler")
    library = tmp_path / "operators.so"
    subprocess.run([compiler, "-std=c++17", "-O1", "-shared", "-fPIC", "-o", library,
                    FIXTURES / "operators.cc"], check=True)
    untraced = subprocess.run(
        [DEBIAN_PATH, "-B", FIXTURES / "operators.py", "--library", library], input=b"refuse 1\n",
        env={**os.environ, **preload}, stdout=subprocess.PIPE, check=False,
        cwd=tmp_path_factory.mktemp("untraced"))  # where it may leave a core
    if untraced.returncode != 0:
        pytest.skip("this allocator aborts instead of throwing, filtrace or not")
    target = start("operators.py", "--library", library, environment=preload)
    tracing = filtrace.record(target, *EVERY_BLOCK)
    assert target.ask("refuse 100") == 200
    assert tracing.interrupt().returncode == 0
