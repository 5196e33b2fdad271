"""Races: many people answer one question at the same moment, over the real ledger; `python -m tests.races`."""
