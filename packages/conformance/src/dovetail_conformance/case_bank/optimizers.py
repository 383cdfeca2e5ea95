"""Updates of optimizers: fresh and later steps, optional accumulators, weight decay, and long parameters."""

from __future__ import annotations

from ..cases import Case, array, case, given, positive

RATE = positive()

CASES: dict[str, list[Case]] = {
    "sgd_update": [
        case(array(3), array(3), RATE),
        case(array(67), array(67), RATE, name="long, decay", weight_decay=0.1, smooth=False),
        case(array(0), array(0), RATE, name="empty", smooth=False),
        case(array(), array(), RATE, name="0-d", smooth=False),
    ],
    "momentum_update": [
        case(array(3), array(3), array(3), RATE),
        case(array(2, 3), array(2, 3), array(2, 3), RATE, name="Nesterov, decay", nesterov=True, weight_decay=0.1),
        case(array(), array(), array(), RATE, name="0-d", smooth=False),
    ],
    "adagrad_update": [
        case(array(3), array(3), positive(3), RATE),
        case(array(2, 3), array(2, 3), positive(2, 3), RATE, name="decay", weight_decay=0.1),
        case(array(), array(), positive(), RATE, name="0-d", smooth=False),
    ],
    "rmsprop_update": [
        case(array(3), array(3), positive(3), RATE),
        case(array(3), array(3), positive(3), RATE, array(3), name="momentum", momentum=0.9),
        case(
            *(array(3), array(3), positive(3, low=5.0, high=6.0), RATE, array(3), positive(3)),
            name="centered",
            momentum=0.9,
            weight_decay=0.1,
        ),
        case(array(), array(), positive(), RATE, name="0-d", smooth=False),
    ],
    "adam_update": [
        case(array(3), array(3), array(3), positive(3), given(2), RATE),
        case(array(3), array(3), array(3), positive(3), given(7), RATE, positive(3), name="AMSGrad", weight_decay=0.1),
        case(array(67), array(67), array(67), positive(67), given(1), RATE, name="long", smooth=False),
        case(array(), array(), array(), positive(), given(1), RATE, name="0-d", smooth=False),
    ],
    "lion_update": [
        case(array(3), array(3), array(3), RATE, smooth=False),
        case(array(67), array(67), array(67), RATE, name="long, decay", weight_decay=0.1, smooth=False),
        case(array(), array(), array(), RATE, name="0-d", smooth=False),
    ],
}
