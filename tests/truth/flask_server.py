# SPDX-License-Identifier: MIT
"""The leaking Flask server under traffic, again and again."""

from figures import CHANCE, binomial_tail
from leaks import place, watch
from row import Row

SECONDS_MIN = 20
AGREEING_SHARE = 0.95


class Flask(Row):
    name = "flask"
    title = "a leaking server under traffic against its own truth, within the printed error"
    share = 0.1

    def run(self, stage, seed, seconds):
        """Watch a new server once."""
        seconds = int(max(seconds, SECONDS_MIN))
        server = stage.start("flask_leak.py")
        stage.traffic(server, seconds + 60)
        return watch(server, stage.filtrace, seconds)

    def brief(self, watched):
        return (f"{watched.leak['live_bytes']} +- {watched.leak['live_bytes_error']} bytes, truth "
                f"{watched.truth.low:.0f} to {watched.truth.high:.0f}")

    def kept(self, watched):
        return {"leak": watched.leak, "truth": watched.truth}

    def report(self, runs):
        agreeing = sum(watched.agrees for watched in runs)
        leading = sum(place(watched.fastest_growing()) == watched.line for watched in runs)
        print(f"{agreeing} of {len(runs)} agree with the truth; {leading} times the leak leads")
        problems = []
        if binomial_tail(len(runs), agreeing, AGREEING_SHARE) < CHANCE:
            problems.append(f"only {agreeing} of {len(runs)} agree with the truth")
        if leading < len(runs):
            problems.append(f"in {len(runs) - leading} runs the leak does not lead")
        return problems
