"""One contract for every ERP, held against the real one and its fake."""
