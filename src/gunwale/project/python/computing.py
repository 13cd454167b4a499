"""Whether requests compute: a model's prediction in the process that serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from gunwale.project.facts import Place
    from gunwale.project.model import Project

_LIBRARIES = frozenset(
    [
        *("tensorflow", "keras", "torch", "torchvision", "sklearn", "xgboost", "lightgbm", "catboost"),
        *("onnxruntime", "transformers", "sentence_transformers", "spacy", "cv2", "ultralytics", "whisper"),
        *(
            "easyocr",
            "pytesseract",
            "fasttext",
            "gensim",
            "statsmodels",
            "prophet",
            "rembg",
            "fastai",
            "joblib",
        ),
    ]
)
_WORKING = frozenset(
    ["predict", "predict_proba", "predict_on_batch", "transcribe", "readtext", "image_to_string", "infer"]
)


class Computing(NamedTuple):
    """A call that computes: *what* is called, and where."""

    at: Place
    what: str


def computing(project: Project) -> Computing | None:
    """Return the first such call inside a function of a module that imports a library for it, or None."""
    for file in project.of(PythonFile):
        roots = {name.partition(".")[0] for name in file.imports.values()}
        if role(file.path) is Role.DEVELOPMENT or not roots & _LIBRARIES:
            continue
        for call in file.calls:
            owner, _, name = call.name.rpartition(".")
            if owner and name in _WORKING and call.scope and not call.is_main:
                return Computing(call.at, f"{owner.rpartition('.')[2]}.{name}()")
    return None
