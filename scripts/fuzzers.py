# SPDX-License-Identifier: MIT
"""Run fuzzers and count what comes of them. Used by run_tests.py."""

import os
import re
import subprocess
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CORPUS = Path("tests/fuzz/corpus")
SHORT_SECONDS = 5
SHORT_RUNS = 20000
INPUT_SECONDS = 60  # an input that takes longer hangs: a finding, however busy the machine
SPARE_SECONDS = 300  # for reading the corpus, and for a machine that is busy
RUNS = re.compile(r"^stat::number_of_executed_units: +(\d+)", re.MULTILINE)
COVERAGE = re.compile(r"\bcov: (\d+)")
ARTIFACT = re.compile(r"Test unit written to (\S+)")


def last_number(pattern, text):
    numbers = pattern.findall(text)
    return int(numbers[-1]) if numbers else 0


def run_fuzzer(program, seconds):
    """Run one fuzzer over its kept corpus, which stays as it is, and then over what it makes of it.

    Without `seconds`, the run is short and the same each time. Returns (counts, what to print).
    """
    program = Path(program)
    if not program.exists():
        return Counter(skipped=1), f"{program}: skipped, there is no clang with libFuzzer"
    name = program.name[len("fuzz_"):]
    build = program.parents[2]
    findings = build / "findings"
    findings.mkdir(exist_ok=True)

    with tempfile.TemporaryDirectory(prefix="filtrace-fuzz-") as scratch:
        made = build / "corpus" / name if seconds else Path(scratch)
        made.mkdir(parents=True, exist_ok=True)
        limits = [f"-max_total_time={seconds}"] if seconds else [
            f"-max_total_time={SHORT_SECONDS}", f"-runs={SHORT_RUNS}", "-seed=1"]
        command = [program, *limits, f"-timeout={INPUT_SECONDS}",
                   f"-report_slow_units={INPUT_SECONDS}", "-print_final_stats=1",
                   f"-artifact_prefix={findings}/{name}-", made, CORPUS / name]
        try:
            finished = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                errors="replace", timeout=(seconds or SHORT_SECONDS) + SPARE_SECONDS)
            output, status = finished.stdout, finished.returncode
        except subprocess.TimeoutExpired as expired:
            output, status = f"{expired.output}\nno end in time", -1

    runs = last_number(RUNS, output)
    is_ok = status == 0 and runs > 0
    text = (f"{program}: {runs} runs, coverage {last_number(COVERAGE, output)}, "
            f"{0 if is_ok else 1} findings")
    if not is_ok:
        artifacts = "".join(f"\nreproduce: {program} {path}" for path in ARTIFACT.findall(output))
        text = f"{output}\n{text}{artifacts}"
    return Counter({"passed" if is_ok else "failed": 1}), text


def run_fuzzers(programs, seconds):
    """Run all, as many at a time as there are processors; their counts."""
    counts = Counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for one, text in pool.map(lambda program: run_fuzzer(program, seconds), programs):
            print(text, flush=True)
            counts += one
    return counts
