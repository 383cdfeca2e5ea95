"""The names of operand constraints, for type checkers and editors; at run time only the annotation's text is read.

What each stands for is in `dovetail_protocols.operation.CONSTRAINTS`. In the body of a primitive such a parameter is a
TensorMeta, in the body of a composite an array.
"""

from typing import Any

AnyDType = Any
Boolean = Any
EachDType = Any
Floating = Any
Index = Any
Inexact = Any
Integer = Any
IntegerOrBoolean = Any
LearningRate = Any
Mask = Any
Numeric = Any
RandomState = Any
Real = Any
RealOrBoolean = Any
Statistic = Any
Variable = Any
