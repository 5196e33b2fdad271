"""What an auditor asks of the ledger."""
