"""Tests of where it runs, and of the doors."""
