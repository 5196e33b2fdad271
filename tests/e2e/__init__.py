"""The whole stack, as `almoner up` runs it: real servers, real clicks, real faults."""
