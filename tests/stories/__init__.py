"""Requisitions, told as stories over a ledger in plain Python."""
