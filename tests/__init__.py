"""The tests: they mirror the source, and tests/test_house.py keeps the architecture true."""
