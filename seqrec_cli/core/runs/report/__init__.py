"""The report of runs: what it says, as data; its plots; its page."""
