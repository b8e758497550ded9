# SPDX-License-Identifier: MIT
"""What all rows of the table have."""


class Row:
    """One kind of run, again and again with other seeds.

    run(stage, seed, seconds) gives a result, brief(result) a few words about it, kept(result) what
    --keep writes; report(results) prints a table and returns what speaks against filtrace.
    """

    name = title = ""
    share = 1.0  # of --runs

    def __init__(self, arguments):
        self.arguments = arguments
