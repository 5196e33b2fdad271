"""Whole lives of cases under many faults at once: the real process code in virtual time, everything from a seed."""
