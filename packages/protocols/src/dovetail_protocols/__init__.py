"""The joints of Dovetail: interfaces, the operation standard, the dispatch waist and plug-in discovery."""

__all__: list[str] = []
