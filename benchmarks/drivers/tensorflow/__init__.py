"""TensorFlow, on request: each step is one tf.function, with XLA or without."""
