"""Tryton as the ERP: every call, every field of it that we rely on."""
