"""What people are shown, as it was agreed: one file a thing, compared to the letter.

`ALMONER_SNAPSHOTS=write` writes them anew; look at the difference before it is committed.
"""
