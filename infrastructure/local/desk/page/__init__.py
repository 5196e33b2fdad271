"""The page that looks like a Slack client, and the requests it makes."""
