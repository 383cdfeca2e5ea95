"""A compiler for protocol 1.1, with all that it lets one offer. FROZEN: never edit this file (see README.md)."""

import operator
import time
from contextlib import contextmanager

from dovetail_protocols.compilers import Claim, KernelReport, KernelRun

FUNCTIONS = {
    "dovetail::add": (operator.add, operator.iadd),
    "dovetail::multiply": (operator.mul, operator.imul),
    "dovetail::negative": (operator.neg, None),
}


class Executable:
    def __init__(self, graph, options, owner):
        self.graph, self.owner = graph, owner
        self.donated = {graph.inputs[place].number for place in options.donated_inputs}

    def __call__(self, *inputs):
        graph = self.graph
        known = {value.number: buffer for value, buffer in zip(graph.inputs, inputs, strict=True)}
        known.update((constant.value.number, constant.array.payload) for constant in graph.constants)
        for state in graph.states:  # a donated buffer comes back as the output that its state names
            assert graph.inputs[state.input] in graph.inputs
            assert graph.outputs[state.output] in graph.outputs
        last = {value.number: place for place, node in enumerate(graph.nodes) for value in node.inputs}
        last.update((value.number, len(graph.nodes)) for value in graph.outputs)
        for place, node in enumerate(graph.nodes):
            start = time.monotonic_ns()
            compute, in_place = FUNCTIONS[node.operation.name]
            numbers = [value.number for value in node.inputs]
            mine = (
                numbers[0] in self.donated and last[numbers[0]] == place and node.inputs[0].meta == node.outputs[0].meta
            )
            if mine and in_place is not None:
                compute = in_place
            known[node.outputs[0].number] = compute(*(known[number] for number in numbers))
            if self.owner.recording is not None:
                what = node.operation.short_name
                self.owner.recording.append(KernelRun(what, 0, start, time.monotonic_ns(), 1, 1.0, 8.0))
        return tuple(known[value.number] for value in graph.outputs)

    def kernel_report(self):
        return [
            KernelReport("+".join(node.operation.short_name for node in self.graph.nodes)),
            KernelReport("nothing", tasks=2, runs=3, flops=4.0, bytes=5.0, seconds=6.0),
        ]


class Arithmetic:
    protocol = (1, 1)

    def __init__(self):
        self.threads, self.recording = None, None

    def probe(self):
        return None

    def claim(self, graph):
        taken = [place for place, node in enumerate(graph.nodes) if node.operation.name in FUNCTIONS]
        if len(taken) < len(graph.nodes):  # claiming only all of a graph, it need not think of convexity
            other = next(place for place in range(len(graph.nodes)) if place not in taken)
            return [Claim(frozenset(), ((other, "not arithmetic"),))]
        return [Claim(frozenset(taken))]

    def compile(self, graph, options):
        return Executable(graph, options, self)

    def thread_count(self):
        return 1 if self.threads is None else self.threads

    def set_thread_count(self, count):
        self.threads = count

    @contextmanager
    def record_kernels(self):
        self.recording = runs = []
        try:
            yield runs
        finally:
            self.recording = None


COMPILER = Arithmetic()
