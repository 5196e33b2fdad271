"""Canonical records: what every system's data becomes on its way in."""
