"""Fakes: implementations of the ports that remember; they pass the same contract tests as the real adapters."""
