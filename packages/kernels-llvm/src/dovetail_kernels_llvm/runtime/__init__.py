"""Running kernels: machine code and its cache, threads, and the native call."""
