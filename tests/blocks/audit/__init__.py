"""Verifying the ledger."""
