"""Train a small convolutional network on images of handwritten digits, from start to end.

    python examples/digits.py                 train, with a validation split and early stopping
    python examples/digits.py --resume        go on where a training that was stopped left off

The 1,797 images (8×8 pixels, UCI) come with scikit-learn. Everything is written below `--directory`: one checkpoint for
each epoch (the newest three and the best stay), learning curves and misread digits as digits.png. At the end the best
network is restored in a fresh process, which must predict the same to the bit.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import dovetail as dt

BATCH_SIZE = 64
PATIENCE_EPOCHS = 12
"""Training stops when the validation loss has not improved for this many epochs."""
KEPT = [dt.checkpointing.last(3), dt.checkpointing.best("validation loss")]
"""Checkpoints that stay."""


class DigitClassifier(dt.Module):
    """Images (batch, 8, 8, 1) to logits (batch, 10)."""

    def __init__(self, name=None):
        super().__init__(name=name)
        layers = dt.layers
        self.network = layers.Sequential(
            [
                layers.Conv2D(32, 3, padding="same", activation="relu"),
                layers.Conv2D(32, 3, padding="same", activation="relu"),
                layers.MaxPooling2D(2),
                layers.Dropout(0.25),
                layers.Conv2D(64, 3, padding="same", activation="relu"),
                layers.MaxPooling2D(2),
                layers.Flatten(),
                layers.Dense(128, activation="relu"),
                layers.Dropout(0.5),
                layers.Dense(10),
            ]
        )

    def __call__(self, images, training=False):
        return self.network(images, training=training)


# ---------------------------------------------------------------------- data


def load_data() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images in [0, 1] and labels, in three parts that never change: training, validation, and held-out digits."""
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)[..., np.newaxis]
    labels = digits.target.astype(np.int32)
    order = np.random.default_rng(0).permutation(len(images))
    parts = np.split(order, [1200, 1440])
    return {
        name: (images[part], labels[part])
        for name, part in zip(("training", "validation", "held out"), parts, strict=True)
    }


def batches(images, labels, epoch: int, seed: int):
    """The training images in an order of their own for each epoch, each moved by up to one pixel."""
    random = np.random.default_rng((seed, epoch))
    order = random.permutation(len(images))
    for start in range(0, len(order) - BATCH_SIZE + 1, BATCH_SIZE):
        chosen = order[start : start + BATCH_SIZE]
        yield moved(images[chosen], random), labels[chosen]


def moved(images, random):
    """Each image moved by -1, 0 or 1 pixels along each axis, zeros coming in."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows, columns = random.integers(0, 3, (2, len(images)))
    return np.stack([image[r : r + 8, c : c + 8] for image, r, c in zip(padded, rows, columns, strict=True)])


# ---------------------------------------------------------------------- training


class Training:
    """A model, its optimizer, and what was measured so far: all that a checkpoint holds."""

    def __init__(self, seed: int) -> None:
        dt.random.set_seed(seed)
        self.seed = seed
        self.model = DigitClassifier()
        self.model(np.zeros((1, 8, 8, 1), np.float32))  # builds the layers
        self.optimizer = dt.optimizers.Adam(1e-3)
        self.optimizer.build(self.model.trainable_variables)
        self.loss = dt.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.history: list[dict[str, float]] = []

    @dt.function
    def step(self, images, labels):
        """One step of training; gives the loss before it."""
        with dt.GradientTape() as tape:
            loss = self.loss(labels, self.model(images, training=True))
        variables = self.model.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    @dt.function(reduce_retracing=True)
    def predict(self, images):
        """Logits (batch, 10)."""
        return self.model(images)

    def evaluate(self, images, labels) -> tuple[float, float]:
        """Mean loss, and the share of digits that are read right."""
        logits = self.predict(images)
        right = np.argmax(logits.numpy(), axis=-1) == labels
        return float(self.loss(labels, logits)), float(np.mean(right))

    def run_epoch(self, data) -> dict[str, float]:
        """One pass over the training images; what was measured, which is added to the history too."""
        epoch = len(self.history)
        losses = [float(self.step(*batch)) for batch in batches(*data["training"], epoch, self.seed)]
        loss, accuracy = self.evaluate(*data["validation"])
        measured = {
            "training loss": float(np.mean(losses)),
            "validation loss": loss,
            "validation accuracy": accuracy,
        }
        self.history.append(measured)
        return measured

    @property
    def best_epoch(self) -> int:
        """The epoch, counted from 1, with the lowest validation loss; 0 before the first."""
        if not self.history:
            return 0
        return 1 + int(np.argmin([measured["validation loss"] for measured in self.history]))

    @property
    def is_finished(self) -> bool:
        return len(self.history) - self.best_epoch >= PATIENCE_EPOCHS

    # ------------------------------------------------------------------ checkpoints

    def tree(self) -> dict[str, object]:
        return {"model": self.model, "optimizer": self.optimizer, "history": json.dumps(self.history)}

    def save(self, checkpoints: dt.checkpointing.Manager) -> None:
        """Saves this epoch, in place of one that is damaged; of the earlier ones, the newest and the best stay."""
        checkpoints.save(len(self.history), self.tree(), metrics=self.history[-1], overwrite=True)

    def restore(self, checkpoint: Path) -> None:
        restored = dt.checkpointing.restore(checkpoint, self.tree())
        self.history = json.loads(restored.tree["history"])

    def restore_latest(self, checkpoints: dt.checkpointing.Manager) -> bool:
        """Goes on where a training left off, unless there is none."""
        restored = checkpoints.restore_latest(self.tree(), fallback=True)
        if restored is not None:
            self.history = json.loads(restored.tree["history"])
        return restored is not None


def train(directory: Path, *, epochs: int, seed: int, resume: bool) -> Training:
    """Trains until the validation loss stops improving, and gives the training with its best network."""
    data = load_data()
    training = Training(seed)
    checkpoints = dt.checkpointing.Manager(directory, keep=KEPT)
    if resume and training.restore_latest(checkpoints):
        print(f"going on after epoch {len(training.history)}, from {checkpoints.latest()}")
    started = time.perf_counter()
    run_epochs(training, data, checkpoints, epochs)
    epochs = "1 epoch" if len(training.history) == 1 else f"{len(training.history)} epochs"
    print(f"trained {epochs}, {time.perf_counter() - started:.1f} s in this run")
    history = training.history
    training.restore(checkpoints.path(training.best_epoch))
    training.history = history  # the curves show the epochs after the best one too
    return training


def run_epochs(training: Training, data, checkpoints: dt.checkpointing.Manager, epochs: int) -> None:
    """Runs epoch after epoch, saves each, and shows where the training is."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("epoch"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console()
    with Progress(*columns, TextColumn("{task.description}"), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=epochs, completed=len(training.history))
        while len(training.history) < epochs and not training.is_finished:
            measured = training.run_epoch(data)
            training.save(checkpoints)
            text = ", ".join(f"{name} {value:.4f}" for name, value in measured.items())
            bar.update(task, completed=len(training.history), description=text)
            if not console.is_terminal:
                print(f"epoch {len(training.history):3}: {text}", flush=True)


# ---------------------------------------------------------------------- what came of it


def check_in_fresh_process(checkpoint: Path, expected: np.ndarray) -> None:
    """Restores the checkpoint in another process, and compares its predictions to the bit."""
    file = checkpoint.parent / "predictions.npy"
    command = [sys.executable, __file__, "--predict", str(checkpoint), "--directory", str(checkpoint.parent)]
    subprocess.run(command, check=True)
    if not np.array_equal(np.load(file), expected):
        raise SystemExit("the restored network predicts something else")
    print("restored in a fresh process: predictions are identical")


def predict_only(checkpoint: Path, directory: Path) -> None:
    training = Training(seed=1)
    training.restore(checkpoint)
    np.save(directory / "predictions.npy", training.predict(load_data()["held out"][0]).numpy())


def draw(training: Training, images, labels, logits, file: Path) -> None:
    """Learning curves above, misread digits below."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(10, 6.5), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(2, 1))
    loss_axes, accuracy_axes = above.subplots(1, 2)
    epochs = np.arange(1, len(training.history) + 1)
    for name in ("training loss", "validation loss"):
        loss_axes.plot(epochs, [measured[name] for measured in training.history], label=name)
    loss_axes.axvline(training.best_epoch, color="gray", linestyle=":", label=f"best epoch, {training.best_epoch}")
    loss_axes.set(xlabel="epoch", ylabel="cross-entropy", yscale="log")
    loss_axes.legend()
    accuracy_axes.plot(epochs, [100 * measured["validation accuracy"] for measured in training.history])
    accuracy_axes.set(xlabel="epoch", ylabel="validation accuracy (%)")
    read = np.argmax(logits, axis=-1)
    wrong = np.flatnonzero(read != labels)[:12]
    below.suptitle(f"{np.sum(read != labels)} of {len(labels)} held-out digits are misread")
    for axes, place in zip(np.atleast_1d(below.subplots(1, max(len(wrong), 1))), wrong, strict=False):
        axes.imshow(images[place, ..., 0], cmap="gray_r")
        axes.set_title(f"{labels[place]} as {read[place]}", fontsize=9)
    for axes in below.axes:
        axes.set_axis_off()
    figure.savefig(file, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", type=Path, default=Path("runs/digits"), help="where everything is written")
    parser.add_argument("--epochs", type=int, default=60, help="at most this many")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--resume", action="store_true", help="go on from the latest checkpoint")
    parser.add_argument("--predict", type=Path, metavar="CHECKPOINT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.predict:
        predict_only(options.predict, options.directory)
        return
    if not options.resume:
        shutil.rmtree(options.directory, ignore_errors=True)
    options.directory.mkdir(parents=True, exist_ok=True)
    training = train(options.directory, epochs=options.epochs, seed=options.seed, resume=options.resume)
    best = dt.checkpointing.Manager(options.directory, keep=KEPT).path(training.best_epoch)
    images, labels = load_data()["held out"]
    logits = training.predict(images).numpy()
    accuracy = np.mean(np.argmax(logits, axis=-1) == labels)
    print(f"held-out digits read right: {accuracy:.2%} of {len(labels)}")
    check_in_fresh_process(best, logits)
    draw(training, images, labels, logits, options.directory / "digits.png")
    print(f"learning curves and misread digits: {options.directory / 'digits.png'}")


if __name__ == "__main__":
    main()
