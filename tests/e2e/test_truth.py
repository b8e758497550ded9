# SPDX-License-Identifier: MIT
"""Figures of many leaks beside churn are what the target counted; `make truth` is the long form."""

import pytest

from mixture import Options, run_mixture

SEED = 14
SECONDS = 4
OFTEN = Options("--sample-bytes 16384", ("--sample-bytes", "16384"), ("--load", "0.1"))
SAMPLES_MIN = 50
SIGMAS = 6  # of some 50 samples at least, which have a longer tail than a normal distribution
TIMING = 0.01  # a batch of blocks has but one time


@pytest.mark.alone
def test_figures_of_many_leaks_are_what_the_target_counted(stage):
    run = run_mixture(stage, SEED, SECONDS, OFTEN)
    assert run.capture.meta["dropped"] == 0
    judged = [figure for figure in run.figures if figure.samples >= SAMPLES_MIN]
    assert len(judged) >= 6, run.figures
    for figure in judged:
        allowed = SIGMAS * figure.deviation + TIMING * abs(figure.truth)
        assert abs(figure.value - figure.truth) <= allowed, figure
        assert figure.low <= figure.value <= figure.high, figure
        assert not figure.is_sampled or 0.7 < figure.width < 2, figure
