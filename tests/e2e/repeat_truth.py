#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Record the leaking Flask server again and again, and compare each time with its own truth.

Prints a table; exits with 1 unless at least 18 of 20 runs (90%) agree within the printed error and
in every run the leaking line has the largest growth.
"""

import argparse
import pathlib
import sys
import tempfile

from interpreters import DEBIAN_PATH
from leaks import place, watch
from processes import Filtrace, Target, start_traffic

AGREEING_SHARE = 0.9
ROW = "{:>4} {:>11} {:>9} {:>11} {:>11} {:>8} {:>7}"


def one_run(seconds, directory):
    """Watch a new server once; it must end unharmed."""
    server = Target("flask_leak.py", [], DEBIAN_PATH, directory)
    processes = [server]
    filtrace = Filtrace(directory)
    try:
        server.wait_ready()
        processes.append(start_traffic(server.facts["url"], seconds + 60, directory))
        watched = watch(server, filtrace, seconds)
        server.end()
        return watched
    finally:
        filtrace.end_all()
        for process in processes:
            process.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=20, help="of each recording (20)")
    arguments = parser.parse_args()

    print(ROW.format("run", "live bytes", "+-", "truth from", "to", "agrees", "leads"))
    agreeing = leading = 0
    for run in range(1, arguments.runs + 1):
        with tempfile.TemporaryDirectory() as directory:
            watched = one_run(arguments.seconds, pathlib.Path(directory))
        leads = place(watched.fastest_growing()) == watched.line
        agreeing += watched.agrees
        leading += leads
        print(ROW.format(run, watched.leak["live_bytes"], watched.leak["live_bytes_error"],
                         *watched.truth, "yes" if watched.agrees else "NO",
                         "yes" if leads else "NO"), flush=True)
    print(f"{agreeing} of {arguments.runs} agree with the truth; {leading} times the leak leads")
    return not (agreeing >= AGREEING_SHARE * arguments.runs and leading == arguments.runs)


if __name__ == "__main__":
    sys.exit(main())
