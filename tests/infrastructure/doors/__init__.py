"""Tests of the doors, called directly: no server."""
