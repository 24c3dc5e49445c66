"""Whether features still say which domain an image comes from."""

import numpy as np

from core.arrays import Floats
from core.techniques.digits.network import DigitNetwork, features_of
from core.techniques.digits.tensors import DomainTensors


def told_apart(source: Floats, target: Floats, source_test: Floats, target_test: Floats) -> float:
    """Share of test features, both domains counting alike, whose domain a linear classifier finds: 0.5 is a guess.

    Features (N, C) of the four parts; the classifier is fitted on the first two. Ben-David et al. 2010 (Machine
    Learning 79:151) bound the target's error by such a distance, and by the error of the best common classifier.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=500))
    classifier.fit(
        np.concatenate([source, target]), np.concatenate([np.zeros(len(source)), np.ones(len(target))])
    )
    right = (classifier.predict(source_test) == 0).mean() + (classifier.predict(target_test) == 1).mean()
    return float(right) / 2


def told_apart_by_features(parts: DomainTensors, on_source: DigitNetwork, on_target: DigitNetwork) -> float:
    """`told_apart` of what two networks, mostly the same one, make of the two domains' pictures."""
    return told_apart(
        features_of(on_source, parts.source[0]),
        features_of(on_target, parts.target[0]),
        features_of(on_source, parts.source_test[0]),
        features_of(on_target, parts.target_test[0]),
    )
