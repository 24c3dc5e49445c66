"""The words of the field: every one that a page uses is explained, once, in a sentence, with a place to see it."""

import ast
import re
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

import streamlit_app
from core.backbones import catalogue as backbones
from core.interpretation.attribution import METHODS
from core.settings import described
from core.techniques import catalogue as techniques
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig
from tests.conftest import PROJECT
from widgets import glossary

# Words of machine learning and of statistics that somebody who begins does not know, whether the lab uses them or not.
# A text that brings in one of them has to bring its sentence, too. Where a word has a capital inside, it needs it here.
FIELD = """
ablation, activation, AdaBN, adam, adamw, adapter, adversarial, AdaBoost, annealing, argmax, asymptotic,
atlas, attention, attribution, attribute, AUC, augmentation, augmented, autoencoder, backbone, backprop,
backpropagation, bagging, baseline, batch, batches, batch normalisation, BatchNorm, Bayes, Bayesian,
bias-variance, Bonferroni, boosting, bootstrap, bottleneck, Brier, calibrated, calibration, channel,
checkpoint, CKA, confusion matrix, contrastive, converge, convergence, convnet, convolution, convolutional,
CORAL, correlation, cosine, covariance, covariate shift, cross-entropy, cross-validated, cross-validation,
CUDA, DANN, DAP, debiased, decision boundary, DeepLift, depthwise, dice coefficient, dimensionality,
distillation, diverged, domain adaptation, domain classifier, dropout, early stopping, eigenvalue, embedding,
encoder, decoder, ensemble, entropy, epoch, ESZSL, F1, few-shot, fine-tune, fine-tuned, fine-tuning,
forgetting, Fourier, Fréchet, freeze depth, from scratch, frozen, Gabor, GAN, Gaussian, GELU, GPU, Grad-CAM,
gradient, group lasso, H-score, harmonic mean, hash, held-out, heteroscedastic, hidden layer, hidden units,
HOG, Holm, homoscedastic, hyperparameter, hyperplane, ImageNet, importance weighting, infidelity, instance
weighting, integrated gradients, interquartile, Jaccard, jackknife, jump-start, k-means, k-NN, Kaiming,
kernel, keypoint, Kullback, KL divergence, L1, L2, L2-SP, label smoothing, lasso, latent, layer conductance,
LayerNorm, learning rate, likelihood, linear probe, linear quadratic regulator, logistic regression, logit,
LogME, LoRA, loss, LP-FT, MAE, MAML, manifold, MCMC, McNemar, median, meta-learning, mixup, MLP, MMD,
momentum, multi-task, multi-layer perceptron, multiply-adds, nats, nearest neighbours, negative transfer,
Newcombe, one-hot, optimal transport, optimiser, optimizer, overfit, overfitting, p-value, parameters, PCA,
PCGrad, percentage points, percentile, perplexity, policy, pooled, pooling, posterior, prior distribution,
precision and recall, pretrained, principal component, prototype, prototypical, quadrant, quantile,
quantisation, quartile, rank correlation, receptive field, regressor, regularisation, regularization,
reinforcement, ReLU, reparameterisation, Reptile, residual, ridge regression, ROC, saliency, sanity check,
scheduler, seed, selectivity, self-attention, self-supervised, semi-supervised, sensitivity, SGD, SIFT,
sigmoid, skip connection, softmax, soup, Spearman, squeeze-and-excitation, SSIM, stage, standard deviation,
standardised, stem, stochastic, strategy, student, supervised, SVM, sweep, t interval, t-SNE, t-test, tensor,
test images, test pictures, tokens, torque, TrAdaBoost, training images, training pictures, transformer,
trunk, truncated, UMAP, underfitting, unfreezing, validation, variance, VAE, verdict, visual words, warm-up,
weight decay, Wilson, WiSE-FT, word2vec, zero-shot, z-score
"""
TERMS = sorted({" ".join(term.split()) for term in FIELD.split(",")}, key=len, reverse=True)
ANY = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, TERMS))})(?![\w-])", re.IGNORECASE)
# What only the command line, a script, a log or the machine's keeper reads.
ELSEWHERE = (
    "core/commands",
    "core/cli.py",
    "core/environment.py",
    "core/runs/export",
    "widgets/operations.py",
)
CITATIONS = (
    "citation",
    "accuracy_source",
    "papers",
    "source_of",
    "licence",
)  # titles of papers are their authors'


def _unexplained(text: str) -> set[str]:
    """The field's words in a text that the glossary does not know."""
    words = set()
    for match in ANY.finditer(text):
        term = next(term for term in TERMS if term.lower() == match[0].lower())
        meant = not re.search(r".[A-Z]", term) or term == match[0]
        if meant and not glossary.used(match[0]):
            words.add(term)
    return words


@cache
def _texts() -> dict[str, list[str]]:
    """Every text of the interface, by the file where it stands: strings of pages, widgets and core, and Markdown."""
    texts: dict[str, list[str]] = {}
    for room in ("pages", "widgets", "core"):
        for path in sorted((PROJECT / room).rglob("*.py")):
            name = path.relative_to(PROJECT).as_posix()
            if not name.startswith(ELSEWHERE):
                texts[name] = _strings(path)
    for path in [*(PROJECT / "pages").glob("*.md"), *(PROJECT / "widgets").rglob("*.html")]:
        texts[path.relative_to(PROJECT).as_posix()] = [path.read_text(encoding="utf-8")]
    for config in (
        FinetuneConfig,
        SweepConfig,
        *(entry.settings for entry in techniques.techniques().values()),
    ):
        texts[config.__name__] = [
            text for field in described(config).values() for text in (field.title, field.help)
        ]
    return texts


def _strings(path: Path) -> list[str]:
    """The strings of a file that are no docstrings, no names for computers and no titles of papers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unseen = {
        part
        for node in ast.walk(tree)
        if (isinstance(node, ast.keyword) and node.arg in CITATIONS) or _is_defect(node)
        for part in ast.walk(node)
    }
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node not in docs
        and node not in unseen
        and (" " in node.value or re.fullmatch(r"[A-Z][\w-]*", node.value))
    ]


def _is_defect(node: ast.AST) -> bool:
    """Whether a line raises what no visitor reads: a `ValueError` is a mistake of ours."""
    return isinstance(node, ast.Raise) and "ValueError" in ast.dump(node)


def test_every_word_of_the_field_that_a_page_uses_is_explained() -> None:
    texts = _texts()
    assert sum(map(len, texts.values())) > 1500
    missing = {
        (file, term): text[:120]
        for file, strings in texts.items()
        for text in strings
        for term in _unexplained(text)
    }
    assert missing == {}


def test_a_word_that_nobody_explains_is_seen() -> None:
    assert _unexplained("Choose the momentum and the softmax; stages stay frozen.") == {"momentum", "softmax"}
    assert _unexplained("A coral reef, and the MLP of a dap.") == set()


def test_the_glossary_holds_no_word_that_the_lab_does_not_use() -> None:
    everything = "\n".join(text for strings in _texts().values() for text in strings)
    used = {term.word for term in glossary.used(everything)}
    assert [term.word for term in glossary.terms() if term.word not in used] == []


@pytest.mark.parametrize("term", glossary.terms(), ids=lambda term: term.word)
def test_a_word_has_one_short_sentence_and_a_place_that_is_there(term: glossary.Word) -> None:
    assert term.sentence[0].isupper()
    assert term.sentence.endswith((".", "?"))
    assert len(term.sentence) <= 140
    assert not re.search(r"[*`<\[]", term.sentence), "it stands as it is, in the browser and in Markdown"
    assert not _unexplained(term.sentence)
    pages = {address for *_, address in streamlit_app.PAGES}
    assert term.page in pages - {"", "teacher"}
    for name, value in (
        parse_qsl(term.place.partition("?")[2], strict_parsing=True) if "?" in term.place else ()
    ):
        assert value in _values()[term.page, name]


@cache
def _values() -> dict[tuple[str, str], set[str]]:
    """What may stand in the addresses that the glossary names."""
    parts = re.findall(r'^    "(\w+)": Part\(', (PROJECT / "pages/riding.py").read_text(), re.MULTILINE)
    views = re.findall(r'^    \("(\w+)", "', (PROJECT / "pages/layers.py").read_text(), re.MULTILINE)
    assert parts
    assert views
    return {
        ("layers", "view"): set(views),
        ("layers", "method"): set(METHODS),
        ("riding", "part"): set(parts),
        ("techniques", "technique"): set(techniques.techniques()),
        ("finetune", "network"): set(backbones.BACKBONES),
    }


def test_no_word_is_explained_twice() -> None:
    forms = [form.lower() for term in glossary.terms() for form in term.forms]
    assert sorted({form for form in forms if forms.count(form) > 1}) == []


def test_words_are_found_in_every_form_and_nowhere_else() -> None:
    def found(text: str) -> list[str]:
        return [term.word for term in glossary.used(text)]

    assert found("Stages, and the STEM; then a linear\n probe.") == ["stage", "stem", "linear probe"]
    assert found("k-NN votes, CKA, but no cka and no dap") == ["k-NN", "CKA"]
    assert found("by chance, in public domain, hands and arms") == []
    assert found("chance is 10 %; every arm; two domains") == ["chance", "arm", "domain"]
    assert found("tiny_stem upstage headline stem-like") == []


def test_the_second_half_does_not_say_again_what_the_first_half_says() -> None:
    learners, readers = (PROJECT / "docs/glossary.md").read_text().split("## For whoever reads the code")
    rows = re.findall(r"^\| ([^|]+?) \|([^|]*)\|", readers, re.MULTILINE)
    known = {term.word: term.sentence.lower() for term in glossary.terms()}
    assert len(rows) > 40
    assert [
        word for word, exactly in rows if word in known and exactly.strip() in known[word] and exactly.strip()
    ] == []
    assert learners.count("\n| ") == len(glossary.terms()) + learners.count("\n| word |")


def test_a_line_without_its_four_cells_is_no_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "# x\n## For learners\n\n### A\n\n| stem | a stem |\n\n## For whoever reads the code\n"
    (tmp_path / "glossary.md").write_text(broken)
    monkeypatch.setattr(glossary, "_FILE", tmp_path / "glossary.md")
    with pytest.raises(ValueError, match="four cells"):
        glossary.terms.__wrapped__()
