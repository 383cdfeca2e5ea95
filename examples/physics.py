"""Solve a differential equation with a neural network, and compare it with the exact solution.

    python examples/physics.py

The damped oscillator u″ + 2·d·u′ + w²·u = 0, u(0) = 1, u′(0) = 0, on 0 ≤ t ≤ 1. The network is trained until its own
derivatives, taken by automatic differentiation, satisfy the equation; no solution is shown to it.
Source: M. Raissi, P. Perdikaris, G. Karniadakis, Physics-informed neural networks, 2019.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import dovetail as dt

DAMPING, FREQUENCY = 2.0, 10.0


def exact(t: np.ndarray) -> np.ndarray:
    """The solution for weak damping: e^(-d·t) · (cos(v·t) + d/v · sin(v·t)), v = √(w² - d²)."""
    v = np.sqrt(FREQUENCY**2 - DAMPING**2)
    return np.exp(-DAMPING * t) * (np.cos(v * t) + DAMPING / v * np.sin(v * t))


def make_network() -> dt.layers.Sequential:
    """Time (points, 1) to displacement (points, 1). Smooth, so that it has second derivatives."""
    hidden = [dt.layers.Dense(32, activation="tanh") for _ in range(3)]
    return dt.layers.Sequential([*hidden, dt.layers.Dense(1)])


def displacement(network, t):
    """u(t) = 1 + t² · network(t): both initial conditions hold whatever the network says. t: (points, 1)."""
    return 1.0 + t * t * network(t)


def residual(network, t):
    """u″ + 2·d·u′ + w²·u at each point, zero for a solution; in units of w²."""

    def total(points):
        return dt.sum(displacement(network, points))  # points don't mix, so its gradient is u′ at each

    def slope_total(points):
        slope = dt.grad(total)(points)
        return dt.sum(slope), slope

    curvature, slope = dt.grad(slope_total, has_aux=True)(t)
    u = displacement(network, t)
    return (curvature + 2 * DAMPING * slope) / FREQUENCY**2 + u


def train(steps: int, seed: int):
    """A trained network, and the loss at each step."""
    dt.random.set_seed(seed)
    network = make_network()
    points = dt.constant(np.linspace(0.0, 1.0, 64, dtype=np.float32)[:, np.newaxis])
    network(points)
    variables = network.trainable_variables
    optimizer = dt.optimizers.Adam(dt.optimizers.schedules.CosineDecay(5e-3, steps))
    optimizer.build(variables)

    @dt.function
    def step():
        with dt.GradientTape() as tape:
            error = residual(network, points)
            loss = dt.mean(error * error)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    losses = []
    for number in range(1, steps + 1):
        losses.append(float(step()))
        if number % max(1, steps // 10) == 0:
            print(f"step {number:5}: mean squared residual {losses[-1]:.3e}", flush=True)
    return network, losses


def draw(t, solution, losses, file: Path) -> None:
    """The network's solution on the exact one, its error, and the loss."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(2, 1, figsize=(8, 7), layout="constrained")
    above.plot(t, exact(t), color="black", linewidth=3, alpha=0.3, label="exact solution")
    above.plot(t, solution, color="tab:red", linestyle="--", label="network")
    above.set(xlabel="time", ylabel="displacement", title="Damped oscillator, solved by a network")
    above.legend()
    below.semilogy(losses, linewidth=0.8)
    below.set(xlabel="step", ylabel="mean squared residual")
    figure.savefig(file, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("runs/physics.png"))
    options = parser.parse_args()
    network, losses = train(options.steps, options.seed)
    t = np.linspace(0.0, 1.0, 501, dtype=np.float32)
    solution = displacement(network, dt.constant(t[:, np.newaxis])).numpy()[:, 0]
    error = np.max(np.abs(solution - exact(t)))
    print(f"largest error against the exact solution: {error:.2e}")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    draw(t, solution, losses, options.output)
    print(f"plotted to {options.output}")


if __name__ == "__main__":
    main()
