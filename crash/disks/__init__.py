"""A disk that tells what is written to it, and what a power cut leaves of a file system on it."""
