"""Train a small transformer to write Python, character by character, on the source text of Python's own library.

    python examples/language_model.py                     about a minute
    python examples/language_model.py --steps 5000        better text
    python examples/language_model.py --export model      keeps it, to be loaded where this file isn't

Shows the loss while it trains, and a sample of what the network writes at the end.
"""

from __future__ import annotations

import argparse
import sysconfig
import time
from pathlib import Path

import numpy as np

import dovetail as dt

CONTEXT = 64
"""Characters that the network sees at once."""
WIDTH, HEADS, DEPTH = 96, 4, 2
BATCH_SIZE = 16
TEXT_LENGTH = 2_000_000


def load_text() -> str:
    """Source text of the standard library, in a fixed order, ASCII characters only."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    text = "".join(file.read_text(encoding="utf-8", errors="ignore") for file in files)
    return text.encode("ascii", "ignore").decode()[:TEXT_LENGTH]


class Block(dt.layers.Layer):
    """Attention and a two-layer network, each on normalized inputs and added to its input (Xiong et al., 2020)."""

    def __init__(self, width: int, heads: int, name: str | None = None) -> None:
        super().__init__(name)
        layers = dt.layers
        self.attention_norm = layers.LayerNormalization()
        self.attention = layers.MultiHeadAttention(heads, width // heads)
        self.network_norm = layers.LayerNormalization()
        self.network = layers.Sequential([layers.Dense(4 * width, activation="gelu"), layers.Dense(width)])

    def call(self, x):
        normal = self.attention_norm(x)
        x = x + self.attention(normal, normal, use_causal_mask=True)
        return x + self.network(self.network_norm(x))


class LanguageModel(dt.Module):
    """Characters (batch, length) to logits for the one after each (batch, length, vocabulary)."""

    def __init__(self, vocabulary: int, name: str | None = None) -> None:
        super().__init__(name)
        layers = dt.layers
        self.characters = layers.Embedding(vocabulary, WIDTH)
        self.places = layers.Embedding(CONTEXT, WIDTH)
        self.blocks = [Block(WIDTH, HEADS, name=f"block_{place}") for place in range(DEPTH)]
        self.norm = layers.LayerNormalization()
        self.output = layers.Dense(vocabulary)

    def __call__(self, characters):
        length = characters.shape[1]
        x = self.characters(characters) + self.places(dt.arange(length))
        for block in self.blocks:
            x = block(x)
        return self.output(self.norm(x))


def train(codes: np.ndarray, vocabulary: int, steps: int, seed: int) -> LanguageModel:
    """A model trained on windows of the text, chosen at random."""
    dt.random.set_seed(seed)
    model = LanguageModel(vocabulary)
    loss_of = dt.losses.SparseCategoricalCrossentropy(from_logits=True)
    schedule = dt.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=3e-3, warmup_steps=max(1, steps // 20))
    optimizer = dt.optimizers.AdamW(schedule, weight_decay=0.01, global_clipnorm=1.0)
    model(np.zeros((1, CONTEXT), np.int32))
    variables = model.trainable_variables
    optimizer.build(variables)

    @dt.function
    def step(inputs, targets):
        with dt.GradientTape() as tape:
            loss = loss_of(targets, model(inputs))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    random = np.random.default_rng(seed)
    started, recent = time.perf_counter(), []
    for number in range(1, steps + 1):
        starts = random.integers(0, len(codes) - CONTEXT - 1, BATCH_SIZE)
        windows = codes[starts[:, np.newaxis] + np.arange(CONTEXT + 1)]
        recent.append(float(step(windows[:, :-1], windows[:, 1:])))
        if number % max(1, steps // 10) == 0:
            speed = (time.perf_counter() - started) / number
            print(f"step {number:5}: loss {np.mean(recent):.3f}, {1000 * speed:.0f} ms a step", flush=True)
            recent = []
    return model


def sample(model: LanguageModel, prompt: np.ndarray, length: int, temperature: float, seed: int) -> list[int]:
    """Characters that continue the prompt, each drawn from what the model expects."""
    generator = dt.random.Generator(seed)

    @dt.function
    def next_logits(window, place):
        return dt.take(model(window)[0], place, axis=0)

    written = list(prompt)
    for _ in range(length):
        seen = written[-CONTEXT:]
        window = np.zeros((1, CONTEXT), np.int32)
        window[0, : len(seen)] = seen
        logits = next_logits(window, dt.constant(len(seen) - 1))
        written.append(int(generator.categorical(dt.expand_dims(logits, axis=0) / temperature, 1)[0, 0]))
    return written


def export(model: LanguageModel, characters: list[str], path: Path) -> None:
    """Keeps the model as a folder: `dt.checkpointing.load_program(path).signatures["serving_default"]` gives logits for
    any number of texts of any length up to CONTEXT. The characters by their codes are a file beside it."""
    texts = dt.TensorSpec([None, None], dt.int32)
    assets = {"characters.txt": "".join(characters).encode()}
    dt.checkpointing.export(path, model, (model, [texts]), assets=assets)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--sample", type=int, default=400, help="characters to write at the end")
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--export", type=Path, metavar="PATH", help="a folder to keep the trained model in")
    options = parser.parse_args()
    text = load_text()
    characters = sorted(set(text))
    codes = np.array([characters.index(character) for character in text], np.int32)
    print(f"{len(text):,} characters, {len(characters)} different ones")
    model = train(codes, len(characters), options.steps, options.seed)
    prompt = np.array([characters.index(character) for character in "def "], np.int32)
    written = sample(model, prompt, options.sample, options.temperature, options.seed)
    print("-" * 80)
    print("".join(characters[code] for code in written))
    if options.export:
        export(model, characters, options.export)
        print(f"exported to {options.export}")


if __name__ == "__main__":
    main()
