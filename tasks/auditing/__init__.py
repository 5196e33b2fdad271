"""What is asked of the ledger afterwards: dossiers, proofs, exports, packs, holds, a policy tried on past cases."""
