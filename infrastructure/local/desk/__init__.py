"""A small stateful Slack for laptops and tests: the Web API, the signed callbacks, and a page."""
