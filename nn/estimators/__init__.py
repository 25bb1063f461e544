"""Estimators with scikit-learn's conventions, in which the scalar engine does the learning.

`MLPClassifier` and `MLPRegressor` go wherever scikit-learn's estimators go: into pipelines, grid searches and cross
validation. After ``fit``, ``model_`` is an `nn.MLP`, whose graph can be drawn, stepped through and derived by hand.
Parameters are those of scikit-learn's estimators of the same names, and so are the numbers: with the same settings and the
same ``random_state``, weights and losses agree to rounding.
"""

from autograd_core.extras import load

load("sklearn", "sklearn", "nn.estimators")  # a whole message before the imports below fail without one

from nn.estimators.mlp import MLPClassifier, MLPRegressor  # noqa: E402 - see above

__all__ = ["MLPClassifier", "MLPRegressor"]
