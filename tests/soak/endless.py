# SPDX-License-Identifier: MIT
"""A week of a large server passes through what filtrace keeps of it: its memory stays bounded."""

import os
import subprocess

from outcome import Outcome
from processes import BUILD, IS_SANITIZED

STACKS, LIVE_BLOCKS = 1_000_000, 1 << 18
SNAPSHOTS, SAMPLES_PER_SNAPSHOT = 200, 20000
PEAK_MIB, FILE_MIB = 100, 256
SECONDS = 3600


def figures_of(text):
    return dict(word.split("=") for word in text.split())


def run_kind(capture, outcome, run):
    """With a capture as `record` does, or with three snapshots at a time as the view does."""
    snapshots = max(2, round(SNAPSHOTS * run.scale))
    command = [BUILD / "tests/soak/endless", snapshots, SAMPLES_PER_SNAPSHOT, STACKS, LIVE_BLOCKS,
               *capture]
    with outcome.guarded("endless " + ("record" if capture else "view"), run.directory):
        finished = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=SECONDS)
        assert finished.returncode == 0, f"{finished.returncode}: {finished.stdout}"
        figures = figures_of(finished.stdout)
        peak_mib, file_mib = int(figures["peak_kib"]) / 1024, int(figures["file_kib"]) / 1024
        outcome.text += (f"{'record' if capture else 'view'}: {peak_mib:.0f} MiB at most, "
                         f"file {file_mib:.0f} MiB, {figures['describe_ms']} ms to describe; ")
        assert IS_SANITIZED or peak_mib <= PEAK_MIB, f"{peak_mib:.0f} MiB"
        assert file_mib <= FILE_MIB, f"a file of {file_mib:.0f} MiB"


def run(run):
    """Samples on a million stacks, with 256k live at a time; of each, the figures must be right."""
    outcome = Outcome()
    run_kind([], outcome, run)
    run_kind([os.path.join(run.directory, "capture")], outcome, run)
    return outcome
