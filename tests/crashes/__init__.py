"""Crash points: a process dies at every boundary of everything it does outside, and another takes its cases up."""
