# SPDX-License-Identifier: MIT
"""A check fails on a leak, passes without one, and says which line it was."""

import json
import os

import jsonschema

from processes import wait_until
from test_record import schema

REQUESTS_PER_SECOND = 20  # a leak of 9 KB/s, twice the limit
# What http.server itself leaves to the garbage collector comes to some 50 to 100 KiB a minute, as
# tracemalloc says too.
LIMIT = ("--max-growth", "250K/min")
FINE = ("--sample-bytes", "1K")  # the interval is then far narrower than the limit


def test_leak_exceeds_the_limit(start, traffic, filtrace):
    server = start("http_leak.py")
    traffic(server, seconds=40, rate=REQUESTS_PER_SECOND)
    finished = filtrace.run("check", "-p", server.pid, *LIMIT, "-d", "12", *FINE, "-j")

    assert finished.returncode == 1, finished.stderr
    truth = server.truth()
    assert f"{os.path.basename(truth['file'])}:{truth['line']}" in finished.stderr
    document = json.loads(finished.stdout)
    jsonschema.validate(document, schema("check"))
    assert (document["verdict"], document["code"]) == ("leak", 1)
    assert [limit["exceeded"] for limit in document["limits"]] == [True]


def test_bounded_cache_keeps_the_limit(start, traffic, filtrace):
    bound = 20
    server = start("http_leak.py", "--bounded", bound)
    traffic(server, seconds=60, rate=REQUESTS_PER_SECOND)
    wait_until(lambda: server.truth()["entries"] == bound, "a full cache")
    finished = filtrace.run(
        "check", "-p", server.pid, *LIMIT, "--warmup", "5", "-d", "20", *FINE, "-j")

    assert finished.returncode == 0, finished.stderr
    document = json.loads(finished.stdout)
    jsonschema.validate(document, schema("check"))
    assert (document["verdict"], document["code"]) == ("pass", 0)
    assert [limit["exceeded"] for limit in document["limits"]] == [False]


def test_site_limit_names_the_leaking_line(start, traffic, filtrace):
    server = start("http_leak.py")
    traffic(server, seconds=40, rate=REQUESTS_PER_SECOND)
    finished = filtrace.run(
        "check", "-p", server.pid, "--max-site-growth", "100K/min", "-d", "12", *FINE, "-j")
    assert finished.returncode == 1, finished.stderr
    truth = server.truth()
    site = json.loads(finished.stdout)["limits"][0]["site"]
    assert (site["file"], site["line"]) == (truth["file"], truth["line"])


def test_inconclusive_is_6_unless_it_passes(start, filtrace):
    target = start("known_sizes.py")
    arguments = ("check", "-p", target.pid, "--max-growth", "1/h", "-d", "1",
                 "--sample-bytes", "1G")
    assert filtrace.run(*arguments).returncode == 6
    assert filtrace.run(*arguments, "--inconclusive", "pass").returncode == 0
