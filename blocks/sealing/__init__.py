"""The Merkle log over all chains: what writers note, who seals, its keys, its witness, its time-stamps."""
