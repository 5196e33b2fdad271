"""Everything outside: one vendor a module, and the records that all of it is turned into."""
