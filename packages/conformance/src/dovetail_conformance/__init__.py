"""The kit that proves an implementation of a Dovetail protocol."""

__all__: list[str] = []
