"""A compiler for protocol 1.0. FROZEN: never edit this file (see README.md beside it)."""

from dovetail_protocols.compilers import Claim, CompileOptions
from dovetail_protocols.kernels import Unsupported

FUNCTIONS = {
    "dovetail::add": lambda x1, x2: tuple(a + b for a, b in zip(x1, x2, strict=True)),
    "dovetail::negative": lambda x: tuple(-element for element in x),
}


class AddAndNegate:
    protocol = (1, 0)
    is_here = True

    def claim(self, graph):
        taken, refused = set(), []
        for place, node in enumerate(graph.nodes):
            if node.operation.name in FUNCTIONS and node.outputs[0].meta.dtype.name == "float32":
                taken.add(place)
            else:
                refused.append((place, f"{node.operation.short_name} is unknown to it"))
        return [Claim(frozenset(taken), tuple(refused))]

    def compile(self, graph, options):
        assert isinstance(options, CompileOptions)
        assert options.thread_count >= 0
        assert not options.strict
        assert all(0 <= place < len(graph.inputs) for place in options.donated_inputs)

        def executable(*inputs):
            known = {value.number: buffer for value, buffer in zip(graph.inputs, inputs, strict=True)}
            known.update((constant.value.number, constant.array.payload) for constant in graph.constants)
            for node in graph.nodes:
                arguments = [known[value.number] for value in node.inputs]
                known[node.outputs[0].number] = FUNCTIONS[node.operation.name](*arguments)
            return tuple(known[value.number] for value in graph.outputs)

        return executable

    def probe(self):
        return None if self.is_here else Unsupported("not here")


COMPILER = AddAndNegate()
