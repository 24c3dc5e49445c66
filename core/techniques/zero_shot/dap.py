"""Direct attribute prediction: Lampert, Nickisch & Harmeling 2009 (CVPR), 2014 (IEEE TPAMI 36(3)). Torch-free."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.arrays import Floats, Labels

CERTAIN = 1e-3  # no attribute is ever called more certain than this


def class_scores(present: Floats, descriptions: Floats, priors: Floats) -> Floats:
    """Log-posterior of each class, up to a constant of the picture: (N, classes). Eq. 3 of the 2009 paper.

    ``present`` (N, attributes) is the probability that a picture has an attribute; ``descriptions`` (classes,
    attributes) says 1 where a class has it; ``priors`` (attributes,) is how common it is among the seen classes.
    Every attribute gives evidence by how much more likely it has become than it was.
    """
    for_it = np.log(present) - np.log(priors)
    against = np.log(1 - present) - np.log(1 - priors)
    return np.asarray(for_it @ descriptions.T + against @ (1 - descriptions).T)


def detect(
    views: list[Floats], labels: Labels, descriptions: Floats, tested: list[Floats]
) -> tuple[Floats, Floats]:
    """Learn one detector for each attribute by logistic regression; its answers to ``tested``, and the priors.

    ``views`` are the features (M, D) that each attribute's detector sees, ``tested`` likewise (N, D); ``labels`` (M,)
    index ``descriptions`` (classes, attributes), 0 or 1. An attribute that all seen pictures share, or none has,
    says nothing: 0.5. Probabilities (N, attributes), priors (attributes,), both within `CERTAIN`.
    """
    present = np.full((len(tested[0]), descriptions.shape[1]), 0.5)
    priors = np.full(descriptions.shape[1], 0.5)
    seen = np.unique(labels)
    for number, (known, asked) in enumerate(zip(views, tested, strict=True)):
        has = descriptions[labels, number] > 0.5
        if has.all() or not has.any():
            continue
        detector = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        present[:, number] = detector.fit(known, has).predict_proba(asked)[:, 1]
        priors[number] = (descriptions[seen, number] > 0.5).mean()
    return present.clip(CERTAIN, 1 - CERTAIN), priors.clip(CERTAIN, 1 - CERTAIN)
