"""Mutations: what Slack and other systems send, altered in ten thousand ways; `python -m tests.mutations`."""
