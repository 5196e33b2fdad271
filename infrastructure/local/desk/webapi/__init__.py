"""The Web API methods, one module a family."""
