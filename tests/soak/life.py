# SPDX-License-Identifier: MIT
"""What happens to a target in its life while filtrace comes and goes: tests/e2e/life_checks.py, for
as long as one likes."""

import pathlib
from typing import Callable, NamedTuple

import life_checks
from outcome import Outcome, keep_evidence
from stage import Stage


class Check(NamedTuple):
    name: str
    play: Callable  # (Stage, rounds)
    rounds: int  # at scale 1
    least: int = 1


def attaches(*life):
    return lambda stage, rounds: life_checks.check_attaches(
        stage.start, stage.filtrace, rounds, *life)


def ends(how):
    return lambda stage, rounds: life_checks.check_ends(stage.filtrace, how, rounds)


def staged(check):
    return lambda stage, rounds: check(stage.start, stage.filtrace, rounds)


def vfork(stage, rounds):
    life_checks.check_vfork_wait(stage.start, stage.filtrace, stage.directory, rounds)


CHECKS = (
    Check("thread storm", attaches("--breed"), 300),
    Check("signals and threads", attaches("--signals", "--breed"), 300),
    Check("faulthandler", attaches("--dumps"), 300),
    Check("all signals blocked", attaches("--block"), 100),
    Check("exec while traced", staged(life_checks.check_exec_while_traced), 100),
    Check("exec while attaching", lambda stage, rounds: life_checks.check_exec_while_attaching(
        stage.filtrace, rounds), 1000, 20),
    *(Check(f"end by {how}", ends(how), 100) for how in life_checks.ENDS),
    Check("stop and continue", staged(life_checks.check_stopped_while_traced), 100),
    Check("wait in vfork", vfork, 100),
    Check("first milliseconds", lambda stage, rounds: life_checks.check_newborn(
        stage.filtrace, rounds), 200),
    Check("two filtraces", staged(life_checks.check_rivals), 200),
)


def play(check, rounds, directory):
    """Play one check to its end; raises if the target was harmed."""
    stage = Stage(directory)
    try:
        check.play(stage, rounds)
    except Exception:
        for target in stage.targets:
            if target.is_running():
                keep_evidence(target.pid, directory)
        raise
    finally:
        problems = stage.end()
    assert not problems, "\n".join(problems)


def run(run):
    outcome = Outcome()
    total = 0
    for check in CHECKS:
        rounds = max(check.least, round(check.rounds * run.scale))
        directory = pathlib.Path(run.directory, check.name.replace(" ", "-"))
        directory.mkdir()
        with outcome.guarded(f"{check.name}, {rounds} rounds", directory):
            play(check, rounds, directory)
        total += rounds
    outcome.text = f"{total} rounds of {len(CHECKS)} kinds of life"
    return outcome
