"""The laptop's ERP: prepared once, served alone, put back at will."""
