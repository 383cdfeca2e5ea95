"""A simulated accelerator: two devices, each with a memory and a stream of its own. See README.md."""
