"""Tests of the rules: tables and properties."""
