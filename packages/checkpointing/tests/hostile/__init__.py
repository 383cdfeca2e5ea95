"""Files that strangers might send, made by the tests: one module for each format."""
