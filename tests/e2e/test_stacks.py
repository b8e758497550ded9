# SPDX-License-Identifier: MIT
"""Every stack reads as the interpreter itself shows it at the same spot."""

from interpreters import each_supported


def frames_key(frames):
    return tuple((frame["function"], frame["file"], frame["line"]) for frame in frames)


def large_stacks(report):
    """Live bytes of the C allocator per stack: the scenarios' own blocks are all large."""
    result = {}
    for stack in report["stacks"]:
        if stack["kind"] == "malloc":
            key = frames_key(stack["frames"])
            result[key] = result.get(key, 0) + stack["live_bytes"]
    return result


def mismatch(scenario, stacks):
    """What is wrong with a scenario's stack in the report; None if nothing is."""
    expected = frames_key(scenario["frames"])
    if stacks.get(expected) == scenario["bytes"]:
        return None
    near = [key for key, size in stacks.items() if size == scenario["bytes"]]
    return f"{scenario['name']}: {stacks.get(expected)} bytes at {expected[:4]}, seen {near}"


@each_supported
def test_frames_equal_those_of_the_interpreter(python, start, filtrace):
    target = start("stacks.py", python=python.path)
    tracing = filtrace.record(target, "--sample-bytes", "1")
    scenarios = target.ask("go")["scenarios"]
    assert tracing.interrupt().returncode == 0

    depths = {scenario["name"]: len(scenario["frames"]) for scenario in scenarios}
    assert (depths["depth 1"], depths["depth 100"], depths["depth 900"]) == (1, 100, 900)
    stacks = large_stacks(filtrace.report())
    assert [wrong for s in scenarios if (wrong := mismatch(s, stacks))] == []
