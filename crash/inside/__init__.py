"""Dovetail's own checkpoints from inside: what each call of storage may do to them, through the FileSystem protocol."""
