#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What filtrace costs its target, beside its peers, as tables.

Every figure of a cost is the median of interleaved pairs of runs, without and with the tool, and
in brackets the lowest and the highest: so a machine whose speed drifts does not matter. The row
"nothing" has no tool: it shows how much chance there is in the figures. See compare.py for what is
taken of each pair, growth.py for how the cost of filtrace grows, and peers.py for the tools.
"""

import argparse
import pathlib
import shutil
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(TESTS / "e2e"), str(TESTS / "soak")]

import growth  # noqa: E402
import machine  # noqa: E402
import own  # noqa: E402
import packages  # noqa: E402
import reports  # noqa: E402
from compare import bench_workload  # noqa: E402
from peers import PEERS  # noqa: E402
from subjects import WORKLOADS  # noqa: E402
from table import Table  # noqa: E402

PARTS = {"versions": own.bench_versions, "pauses": growth.bench_pauses,
         "growth": growth.bench_growth, "memory": own.bench_memory, "refresh": own.bench_refresh,
         "reports": reports.bench_reports}
QUICK = {"pairs": 1, "peer_pairs": 1, "seconds": 0.5, "peer_seconds": 0.5, "attaches": 5,
         "serve": 5}


def list_of(known):
    """The type of an option whose value is some of these names, or a part of them."""
    def parse(text):
        words = text.split(",")
        for word in words:
            if not any(matches(word, name) for name in known):
                raise argparse.ArgumentTypeError(f"{word!r} is none of {', '.join(known)}")
        return words
    return parse


def matches(word, name):
    return name.lower().startswith(word.lower())


def parse_arguments():
    names = [peer.name for peer in PEERS if not peer.is_ours]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=list_of([*(load.key for load in WORKLOADS), *PARTS]),
                        help=f"some of w1 to w{len(WORKLOADS)}, {', '.join(PARTS)}")
    parser.add_argument("--peers", default="all",
                        help="none, all, or the beginnings of some names: " + ", ".join(names))
    parser.add_argument("--pairs", type=int, default=7, help="for filtrace (7)")
    parser.add_argument("--peer-pairs", type=int, default=3, help="for each peer (3)")
    parser.add_argument("--seconds", type=float, default=2, help="of one run with filtrace (2)")
    parser.add_argument("--peer-seconds", type=float, default=1, help="of one with a peer (1)")
    parser.add_argument("--attaches", type=int, default=50, help="for the pauses (50)")
    parser.add_argument("--serve", type=int, default=60, help="seconds under traffic (60)")
    parser.add_argument("--quick", action="store_true", help="some minutes, and less certain")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables there too")
    parser.add_argument("--verbose", action="store_true", help="tell how long each row took")
    if "--quick" in sys.argv:
        parser.set_defaults(**QUICK)
    settings = parser.parse_args()
    settings.log = print if settings.verbose else lambda text: None
    return settings


def chosen_peers(settings):
    words = {"all": [peer.name for peer in PEERS], "none": []}.get(
        settings.peers, settings.peers.split(","))
    return [peer for peer in PEERS
            if peer.is_ours or any(matches(word, peer.name) for word in words)]


def is_chosen(settings, name):
    return settings.only is None or name in settings.only


def run(settings, table):
    python = packages.interpreter(settings.peers != "none")
    for workload in WORKLOADS:
        if not is_chosen(settings, workload.key):
            continue
        if workload.is_service and not shutil.which("wrk"):
            table.note(f"{workload.key} {workload.title} is skipped: no wrk here")
            continue
        bench_workload(workload, chosen_peers(settings), python, settings, table)
    for name, part in PARTS.items():
        if is_chosen(settings, name):
            part(python, settings, table)


def main():
    settings = parse_arguments()
    table = Table()
    watch = machine.Watch()
    table.note(f"{machine.describe()}; medians, in brackets the lowest and the highest")
    if machine.load_warning():
        table.note(machine.load_warning())
    try:
        run(settings, table)
        table.note(watch.verdict())
    finally:
        if settings.markdown:
            table.write(settings.markdown)


if __name__ == "__main__":
    main()
