"""Communicators for one machine: between threads, and between processes. For a cluster, wrap what its launcher gives:
the protocol has five members."""

from .processes import ProcessCommunicator
from .threads import ThreadCommunicator, run_threads

__all__ = ["ProcessCommunicator", "ThreadCommunicator", "run_threads"]
