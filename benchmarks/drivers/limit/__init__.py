"""The machine itself: a workload's multiply-adds in registers, then its memory traffic, and nothing else."""
