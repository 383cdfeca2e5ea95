"""What is measured, as NumPy arrays and numbers, the same for every framework."""
