"""What the entry point of the compiler names: runs of arithmetic as one launch, over donated buffers where it may."""

from dovetail_protocols.compilers import Claim

from .package import FLOATS

UFUNCS = {"add", "subtract", "multiply", "divide", "maximum", "minimum", "negative", "exp", "log", "sqrt", "tanh"}


class FakeCompiler:
    """Claims neighbors in the graph's order that are arithmetic on one device: such a run is convex."""

    protocol = (1, 1)

    def probe(self):
        return None

    def claim(self, graph):
        runs, refused = [], []
        for place, node in enumerate(graph.nodes):
            reason = _refusal(node)
            if reason is not None:
                refused.append((place, reason))
            elif runs and runs[-1][-1] == place - 1 and _place(graph.nodes[place - 1]) == _place(node):
                runs[-1].append(place)
            else:
                runs.append([place])
        claims = [Claim(frozenset(run)) for run in runs]
        return [*claims, Claim(frozenset(), tuple(refused))] if refused else claims

    def compile(self, graph, options):
        from .executable import Executable  # only when something is compiled

        return Executable(graph, options.donated_inputs)


def _place(node):
    return node.outputs[0].meta.device


def _refusal(node):
    if node.operation.short_name not in UFUNCS or not node.operation.name.startswith("dovetail::"):
        return f"{node.operation.short_name} is not arithmetic"
    metas = [value.meta for value in (*node.inputs, *node.outputs) if value is not None]
    if any(meta.device.kind != "fake" for meta in metas):
        return "runs on fake devices only"
    unknown = [meta.dtype.name for meta in metas if meta.dtype.name not in FLOATS]
    return f"dtype {unknown[0]} is not compiled" if unknown else None


COMPILER = FakeCompiler()
