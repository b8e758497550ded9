# SPDX-License-Identifier: MIT
"""What must hold of every interpreter: checks that the tests and the matrix share.

A check takes the stage to play on, the interpreter, and what to add to its environment. It asserts,
or raises Missing if the interpreter lacks what is to be checked.
"""

import subprocess

from images import InterpreterData, assert_left_alone
from leaks import place, watch
from processes import FIXTURES, Missing, environment_of, wait_until


class NotTaken(Missing):
    """The interpreter has no such thing: there is nothing to be checked."""


EVERY_BLOCK = ("--sample-bytes", "1", "--force")
# So many samples, whatever the machine's load, that chance cannot hide the leak. What the default
# budget shows in how many of 20 runs is `make truth`'s business.
GENEROUS = ("--budget", "10")
LEAK_SECONDS = 5
SMALL_BYTES_MAX = 999  # scenarios' blocks differ by a thousand
WARM_ENTRIES = 60  # a second of traffic: what servers allocate once and keep is no leak


# -- blocks and bytes --

def measured(report, expected):
    """What the report says of a site of the truth, in the truth's own terms."""
    for site in report["sites"]:
        names = ("function", "file", "line")
        if all(site[name] == expected[name] for name in names):
            assert site["live_bytes_error"] == 0
            kinds = {"pymalloc": 0, "malloc": 0, **site["kinds"]}
            return {**{name: site[name] for name in names},
                    "blocks": site["live_blocks"], "bytes": site["live_bytes"], "kinds": kinds}
    return None


def assert_equals_truth(report, truth, sites_min=10):
    assert report["capture"]["dropped"] == 0, report["capture"]
    sites = truth["sites"]
    assert len(sites) > sites_min and all(site["blocks"] > 0 for site in sites)
    wrong = [(site, seen) for site in sites if (seen := measured(report, site)) != site]
    assert not wrong, f"(truth, seen): {wrong}"


def check_exact(stage, python, environment=None):
    """Every block counts once, with its size and line, until it is freed; old ones never do."""
    known = stage.start("known_sizes.py", python=python, environment=environment)
    known.ask("allocate")
    known.ask("mark")
    tracing = stage.filtrace.record(known, *EVERY_BLOCK)
    known.ask("allocate")
    truth = known.ask("free")
    assert tracing.interrupt().returncode == 0
    assert_equals_truth(stage.filtrace.report(), truth)


# -- tracemalloc --

def assert_counts_exactly(wrapped, filtrace):
    """Attach once more: the truth is that of what is allocated from now on."""
    wrapped.ask("mark")
    tracing = filtrace.record(wrapped, *EVERY_BLOCK, file="exact")
    truth = wrapped.ask("allocate")
    assert tracing.interrupt().returncode == 0
    assert_equals_truth(filtrace.report("exact"), truth)
    assert_left_alone(wrapped.pid)


def assert_gates_moved(wrapped, gated):
    """Assert that gates are elsewhere than before: what this checks is else not put to the test.

    Where there are debug hooks, tracemalloc wraps those, and never meets a gate.
    """
    now = InterpreterData(wrapped.pid).diverted()
    assert now, "no gates are left"
    assert now != gated or wrapped.ask("own bytes")["is_hooked"], "no gate has moved"


def check_tracemalloc_started_and_stopped(stage, python, environment=None):
    """tracemalloc, started under filtrace, saves gates; they are taken out of its tables."""
    wrapped = stage.start("wrapped_sizes.py", python=python, environment=environment)
    tracing = stage.filtrace.record(wrapped, *EVERY_BLOCK)
    gated = InterpreterData(wrapped.pid).diverted()
    assert wrapped.ask("start") is True
    assert_gates_moved(wrapped, gated)
    assert tracing.interrupt().returncode == 0
    assert_left_alone(wrapped.pid)

    assert wrapped.ask("stop") is False
    assert_left_alone(wrapped.pid)
    assert_counts_exactly(wrapped, stage.filtrace)


def check_tracemalloc_stopped(stage, python, environment=None):
    """tracemalloc, stopped under filtrace, puts back what it saved before; no gate stays."""
    wrapped = stage.start("wrapped_sizes.py", python=python, environment=environment)
    assert wrapped.ask("start") is True
    tracing = stage.filtrace.record(wrapped, *EVERY_BLOCK)
    gated = InterpreterData(wrapped.pid).diverted()
    assert wrapped.ask("stop") is False
    assert_gates_moved(wrapped, gated)
    assert tracing.interrupt().returncode == 0
    assert_left_alone(wrapped.pid)
    assert_counts_exactly(wrapped, stage.filtrace)


def check_under_tracemalloc(stage, python, environment=None):
    """With -X tracemalloc each block counts once, and besides only what tracemalloc itself keeps.

    It keeps a record of each block in memory of the C allocator's, at the block's own line.
    """
    environment = {**(environment or {}), "PYTHONTRACEMALLOC": "1"}
    wrapped = stage.start("wrapped_sizes.py", python=python, environment=environment)
    wrapped.ask("mark")
    before = wrapped.ask("own bytes")
    assert before["bytes"] > 0
    tracing = stage.filtrace.record(wrapped, *EVERY_BLOCK)
    truth = wrapped.ask("allocate")
    assert tracing.interrupt().returncode == 0
    kept = wrapped.ask("own bytes")["bytes"] - before["bytes"]
    kept += before["more_per_block"] * sum(site["blocks"] for site in truth["sites"])
    assert_left_alone(wrapped.pid)
    report = stage.filtrace.report()
    assert report["capture"]["dropped"] == 0
    surplus = 0
    for site in truth["sites"]:
        seen = measured(report, site)
        assert seen, site
        assert seen["kinds"]["pymalloc"] == site["kinds"]["pymalloc"], (site, seen)
        assert seen["blocks"] >= site["blocks"], (site, seen)
        assert seen["kinds"]["malloc"] >= site["kinds"]["malloc"], (site, seen)
        surplus += seen["bytes"] - site["bytes"]
    assert 0 < surplus <= kept, (surplus, kept)


def check_tracemalloc(stage, python, environment=None):
    """All three."""
    check_under_tracemalloc(stage, python, environment)
    check_tracemalloc_started_and_stopped(stage, python, environment)
    check_tracemalloc_stopped(stage, python, environment)


# -- stacks --

def frames_key(frames):
    return tuple((frame["function"], frame["file"], frame["line"]) for frame in frames)


def large_stacks(report):
    """Live bytes per stack of the blocks that are too large for pymalloc, as all scenarios' are."""
    result = {}
    for stack in report["stacks"]:
        if stack["live_bytes"] > 512 * stack["live_blocks"]:
            key = frames_key(stack["frames"])
            result[key] = result.get(key, 0) + stack["live_bytes"]
    return result


def mismatch(scenario, stacks, small_bytes):
    """What is wrong with a scenario's stack in the report; None if nothing is.

    Besides its one block a stack may have so many bytes of small ones.
    """
    expected = frames_key(scenario["frames"])
    if 0 <= stacks.get(expected, -1) - scenario["bytes"] <= small_bytes:
        return None
    near = [key[:6] for key, size in stacks.items() if size == scenario["bytes"]]
    return f"{scenario['name']}: {stacks.get(expected)} bytes at {expected[:6]}, seen {near}"


def traced_answer(stage, fixture, python, environment=None):
    """The answer to `go` of a fixture that was traced, and the report of it."""
    target = stage.start(fixture, python=python, environment=environment)
    tracing = stage.filtrace.record(target, *EVERY_BLOCK)
    answer = target.ask("go")
    assert tracing.interrupt().returncode == 0
    return answer, stage.filtrace.report()


def assert_stacks_equal_truth(report, answer):
    """Where one allocator serves all sizes, the interpreter's own frames are in the same stacks."""
    stacks = large_stacks(report)
    small_bytes = 0 if answer["allocator"] == "pymalloc" else SMALL_BYTES_MAX
    wrong = [text for one in answer["scenarios"] if (text := mismatch(one, stacks, small_bytes))]
    assert not wrong, "\n".join(wrong)


def check_scenarios(fixture, stage, python, environment=None):
    """The stack of each scenario reads as the interpreter itself shows it."""
    answer, report = traced_answer(stage, fixture, python, environment)
    assert answer["scenarios"]
    assert_stacks_equal_truth(report, answer)


def check_stacks(stage, python, environment=None):
    """Scenarios of all kinds, from depth 1 to depth 900."""
    answer, report = traced_answer(stage, "stacks.py", python, environment)
    depths = {scenario["name"]: len(scenario["frames"]) for scenario in answer["scenarios"]}
    assert (depths["depth 1"], depths["depth 100"], depths["depth 900"]) == (1, 100, 900)
    assert_stacks_equal_truth(report, answer)


def check_native_threads(stage, python, environment=None):
    """Threads without Python are named, and count exactly; Python called by one is seen whole."""
    answer, report = traced_answer(stage, "native_threads.py", python, environment)
    assert_equals_truth(report, answer, sites_min=2)
    assert_stacks_equal_truth(report, answer)


def check_subinterpreters(stage, python, environment=None):
    """Up to 3.10 nothing tells at a gate of the C allocator that a thread has entered a
    subinterpreter by a state of another thread's making: who entered it is shown there."""
    answer, report = traced_answer(stage, "subinterpreters.py", python, environment)
    if tuple(map(int, python.version.rstrip("t").split(".")[:2])) <= (3, 10):
        answer["scenarios"] = [scenario for scenario in answer["scenarios"]
                               if not scenario["name"].startswith("other thread")]
    assert answer["scenarios"]
    assert_stacks_equal_truth(report, answer)


def check_greenlets(stage, python, environment=None):
    check_scenarios("greenlets.py", stage, python, environment)


def check_async_tasks(stage, python, environment=None):
    check_scenarios("async_tasks.py", stage, python, environment)


# -- servers --

def check_attach(stage, python, environment=None):
    """filtrace attaches, tells the version, and detaches."""
    server = stage.start("http_leak.py", python=python, environment=environment)
    finished = stage.filtrace.run("record", "-p", server.pid, "-o", "capture", "-d", "0.5")
    assert finished.returncode == 0, finished.stderr
    assert stage.filtrace.report()["target"]["python"] == python.version
    assert "<title>hello</title>" in server.get("/hello")


def assert_leak_leads(watched):
    leader = watched.fastest_growing()
    assert place(leader) == watched.line, leader
    assert leader["function"].split(".")[-1] == "render"


def assert_agrees(watched):
    assert watched.within(3), (watched.leak, watched.truth)


def check_leak(stage, python, environment=None, seconds=LEAK_SECONDS):
    """The leaking line has the largest growth, and its bytes are right."""
    server = stage.start("http_leak.py", python=python, environment=environment)
    stage.traffic(server, seconds=seconds + 30)
    wait_until(lambda: server.truth()["entries"] > WARM_ENTRIES, "a warm server")
    watched = watch(server, stage.filtrace, seconds, *GENEROUS)
    assert_leak_leads(watched)
    assert_agrees(watched)
    assert watched.report["target"]["python"] == python.version


def original_words(pid, filtrace, target):
    """Attach, detach; the interpreter's words that were diverted: [(address, before, after)]."""
    before = InterpreterData(pid)
    tracing = filtrace.record(target, "--force")
    diverted = InterpreterData(pid).diverted()
    assert tracing.interrupt().returncode == 0
    after = InterpreterData(pid)
    return [(address, before.words[address], after.words[address]) for address in diverted]


def check_detach(stage, python, environment=None):
    """Code and tables are as they were, after one attach and after another."""
    server = stage.start("http_leak.py", python=python, environment=environment)
    words = original_words(server.pid, stage.filtrace, server)
    assert len(words) >= 6  # malloc, calloc, realloc of two domains
    changed = [word for word in words if word[1] != word[2]]
    assert not changed, changed
    assert_left_alone(server.pid)
    assert "<title>hello</title>" in server.get("/hello")

    again = original_words(server.pid, stage.filtrace, server)
    assert [word[0] for word in again] == [word[0] for word in words]
    assert_left_alone(server.pid)
    assert "<title>again</title>" in server.get("/again")


# -- allocators --

def assert_takes(stage, python, environment):
    """Raise NotTaken if the interpreter says that it knows no such setting."""
    finished = subprocess.run(
        [*python.command(stage.directory), str(FIXTURES / "support.py")], cwd=stage.directory,
        env=environment_of(python, environment), capture_output=True, text=True, timeout=30)
    if finished.returncode != 0:
        setting = " ".join(f"{name}={value}" for name, value in environment.items())
        assert any(name in finished.stderr for name in environment), (setting, finished.stderr)
        raise NotTaken(f"{python.version} does not take {setting}")


def check_with(stage, python, **environment):
    """Stacks and blocks are exact with a setting, where the interpreter takes it."""
    assert_takes(stage, python, environment)
    check_exact(stage, python, environment)
    check_stacks(stage, python, environment)


def check_malloc(stage, python):
    check_with(stage, python, PYTHONMALLOC="malloc")


def check_debug(stage, python):
    check_with(stage, python, PYTHONMALLOC="debug")


def check_mimalloc(stage, python):
    check_with(stage, python, PYTHONMALLOC="mimalloc")


def check_dev_mode(stage, python):
    check_with(stage, python, PYTHONDEVMODE="1")


# The columns of the matrix, in its order.
FEATURES = {
    "attach": check_attach,
    "stacks": check_stacks,
    "exact": check_exact,
    "leak": check_leak,
    "detach": check_detach,
    "malloc": check_malloc,
    "debug": check_debug,
    "mimalloc": check_mimalloc,
    "dev": check_dev_mode,
    "tracemalloc": check_tracemalloc,
    "native": check_native_threads,
    "subinterp": check_subinterpreters,
    "greenlets": check_greenlets,
    "asyncio": check_async_tasks,
}
