"""Verifying the ledger: chains, log, witness, documents, versions, and what each finding is called."""
