"""Writing LLVM IR: a builder of its text, the types of dtypes, and what an instruction set offers."""
