"""Whatever a TOML file says under whatever key: settings, or one line that says what is wrong."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from fuzzing import known_keys, refusal, toml_values
from hypothesis import given, settings
from hypothesis import strategies as st

from regionclip.config import Config
from regionclip.data.settings import DataSettings
from regionclip.formats.settings import Settings
from regionclip.training.settings import CheckSettings, LossSettings, TrainSettings
from regionclip.video.tracking.settings import TrackSettings
from regionclip.words.calibrated import Conditions, Platt
from regionclip.words.file import LabelTable, VocabularyFile
from regionclip.words.prototype import TaughtNote
from regionclip.words.vocabulary import Vocabulary

CONDITIONS = {"tower": "x", "proposer": "p", "budget": "9", "tiles": "none", "objectness_weight": 0.7, "bank": True}
MODELS: dict[type[Settings], dict[str, Any]] = {
    Config: {},
    TrackSettings: {},
    DataSettings: {},
    CheckSettings: {},
    LossSettings: {},
    TrainSettings: {"out": "run", "steps": 3, "data": {}, "check": {}},
    Platt: {"slope": 1.0, "intercept": 0.0},
    Conditions: CONDITIONS,
    TaughtNote: {"tower": "x", "examples": 3, "digest": "0"},
    LabelTable: {"name": "person"},
    VocabularyFile: {},
}
"""Every model of settings here, and a table that it takes."""


KEYS = sorted({"self", "en", "detr", "kind", "a\nb", *(key for model in MODELS for key in known_keys(model))})
VALUES = toml_values(KEYS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_any_value_under_any_key(model: type[Settings], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(known_keys(model)) | st.sampled_from(KEYS) | st.text())
    table = MODELS[model] | {key: data.draw(VALUES)}
    said = refusal(lambda: model.of(table, "a.toml"))
    if not said:
        assert key in known_keys(model)[:-1]
        made = model.of(table, "a.toml")
        assert made.replaced() == made
    else:
        assert said.startswith("a.toml")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(known_keys(LabelTable)) | st.just("labels"), VALUES, VALUES)
def test_any_vocabulary_file(key: str, value: object, other: object) -> None:
    label = {"name": "person", key: value}
    table: Mapping[str, Any] = {"labels": value} if key == "labels" else {"labels": [label], "negatives": other}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "words.toml"
        try:
            path.write_text(tomli_w.dumps(table), encoding="utf-8")
        except (ValueError, TypeError):  # more than TOML can say, as a time with nothing but a zone
            return
        refusal(lambda: Vocabulary.load(path))


def test_every_table_here_is_taken() -> None:
    for model, table in MODELS.items():
        assert isinstance(model.of(table, "a.toml"), model)
