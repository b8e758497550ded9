# SPDX-License-Identifier: MIT
"""The leaking line of a server under traffic is found, and its bytes are right."""

from checks import GENEROUS, assert_agrees, assert_leak_leads, check_leak
from interpreters import each_other
from leaks import watch

TRANSIENT = ("/flask/", "/werkzeug/", "/http/server.py", "/socketserver.py", "/email/")


def test_flask_leak_leads_and_transient_memory_does_not(start, filtrace, traffic):
    server = start("flask_leak.py")
    traffic(server, seconds=40)
    watched = watch(server, filtrace, 12, *GENEROUS)

    assert_leak_leads(watched)
    assert_agrees(watched)
    leak_growth = watched.leak["growth_bytes_per_second"]
    for site in watched.report["sites"]:
        if any(part in site["file"] for part in TRANSIENT):
            assert site["growth_bytes_per_second"] < leak_growth / 2, site


def test_flask_leak_agrees_with_truth_at_defaults(start, filtrace, traffic):
    server = start("flask_leak.py")
    traffic(server, seconds=40)
    assert_agrees(watch(server, filtrace, 12))


@each_other
def test_http_leak_leads_and_agrees_with_truth(python, stage):
    check_leak(stage, python, seconds=8)
