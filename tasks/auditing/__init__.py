"""What an auditor asks of the ledger: dossiers, proofs, exports, packs, holds, fingerprints. Changes no case."""
