"""Whatever is done to a ledger afterwards is found: by our own verification and by a program nobody here wrote."""
