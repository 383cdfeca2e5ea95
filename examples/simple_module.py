"""The module of TensorFlow's guide, with one line changed: the import.

python examples/simple_module.py
"""

import dovetail as tf


class SimpleModule(tf.Module):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.a_variable = tf.Variable(5.0, name="train_me")
        self.non_trainable_variable = tf.Variable(5.0, trainable=False, name="do_not_train_me")

    def __call__(self, x):
        return self.a_variable * x + self.non_trainable_variable


simple_module = SimpleModule(name="simple")

if __name__ == "__main__":
    print(simple_module(tf.constant(5.0)))
    print("trainable variables:", simple_module.trainable_variables)
    print("all variables:", simple_module.variables)
