"""The one classifier that reads every kind of features. Torch-free."""

from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.arrays import Flags, Floats, Labels

# From no penalty to speak of to one that leaves hardly more than class means.
PENALTIES = tuple(10.0**power for power in range(-1, 7))


def right(train: Floats, train_labels: Labels, test: Floats, test_labels: Labels) -> Flags:
    """Whether a linear classifier, fitted on ``train`` (N, D), names each of ``test`` (M, D) rightly: (M,).

    Ridge regression on the classes; its penalty is chosen by leaving out one training image at a time, which has a
    closed form. Beside a cross-validated logistic regression, which takes thirty times as long, it was 0.2 points
    better on network features (mean of 32 comparisons on the lab's four data sets, one seed) and 4.5 points worse on
    raw pixels (mean of 8).
    """
    model = make_pipeline(StandardScaler(), RidgeClassifierCV(alphas=PENALTIES))
    model.fit(train, train_labels)
    answers: Flags = model.predict(test) == test_labels
    return answers
