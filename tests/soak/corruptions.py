# SPDX-License-Identifier: MIT
"""Interpreters of every layout change what is read of them, at random, right before it is read."""

import contextlib
import pathlib
import random

import hostile
from outcome import Outcome

CORRUPTIONS = 10000
SECONDS, SHORT_SECONDS = 1, 0.4  # for one of two recordings of a target


def run_target(number, seed, minor, outcome, run):
    """Returns how many corruptions were read."""
    directory = pathlib.Path(run.directory, f"{number}-3.{minor}")
    directory.mkdir()
    done = 0
    with open(directory / "said", "w", encoding="utf-8") as said, \
            contextlib.redirect_stdout(said), \
            outcome.guarded(f"hostile CPython 3.{minor}, seed {seed}", directory):
        done = hostile.corrupt(directory, seed, minor, SHORT_SECONDS if run.is_short else SECONDS)
        assert done > 0, "none of its corruptions was read"
    return done


def run(run):
    """So many corruptions of each version; in the short form, of one."""
    seed = random.randrange(2**31)
    minors = [random.choice(hostile.MINORS)] if run.is_short else hostile.MINORS
    outcome = Outcome()
    total = number = 0
    for minor in minors:
        done = 0
        while done < CORRUPTIONS * run.scale and not outcome.failed:
            done += run_target(number, seed + number, minor, outcome, run)
            number += 1
        total += done
    outcome.text = f"{total} corruptions read in {number} targets, seed {seed}"
    return outcome
