"""The models of one process, loaded once; a service without them starts and says so."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from application.tasks.bucket_models import fetch_model
from emosync.config import Config
from emosync.errors import ModelUnavailable
from predictor import ModelPredictor

_log = logging.getLogger(__name__)

# What an answer says of a model first; the rest of its card follows.
_CARD_HEAD: Final = ("model_type", "classes", "n_features", "trained_on", "feature_type", "scaler")


class LoadedModels:
    """A predictor, or the reason why there is none.

    Parameters
    ----------
    config : Config
        Folder and runtime of the models.
    """

    def __init__(self, config: Config) -> None:
        self._loaded = _load(config)

    @property
    def predictor(self) -> ModelPredictor:
        """The loaded models; raises ModelUnavailable if they could not be loaded."""
        if isinstance(self._loaded, ModelUnavailable):
            raise ModelUnavailable(self._loaded.message) from self._loaded
        return self._loaded

    def names(self) -> dict[str, list[str]]:
        """Name the models of each task, the default first."""
        return {task: list(self.predictor.methods(task)) for task in self.predictor.tasks}

    def described(self, task: str, method: str) -> dict[str, Any]:
        """Return the card of a model, what clients know of it first."""
        card = self.predictor.card(task, method)
        card = {**card, "classes": card["labels"], "task": task, "method": method}
        head = {name: card.pop(name, None) for name in _CARD_HEAD}
        return {**head, **card}

    def all_described(self, *, in_force: tuple[str, str]) -> dict[str, Any]:
        """Return the head of one card, and under `models` all cards.

        Parameters
        ----------
        in_force : tuple of str
            Task and method of the card whose head it is.
        """
        cards: Mapping[str, Mapping[str, Any]] = {
            task: {method: self.described(task, method) for method in methods}
            for task, methods in self.names().items()
        }
        task, method = in_force
        head = {name: cards[task][method][name] for name in ("task", "method", *_CARD_HEAD)}
        return {**head, "models": cards}


def _load(config: Config) -> ModelPredictor | ModelUnavailable:
    """Load the models; a failure is kept, so that the service can start and say so."""
    try:
        return ModelPredictor(
            config.models_path,
            runtime=config.model_runtime,
            threads=config.model_threads,
            elsewhere=_fetched(config),
        )
    except ModelUnavailable as exc:
        _log.exception("the models cannot be loaded")
        return exc


def _fetched(config: Config) -> dict[tuple[str, str], Path]:
    """Fetch the models that the environment places in a bucket; return their folders."""
    places = {"arousal": config.arousal_model_s3, "valence": config.valence_model_s3}
    return {
        ("song", axis): fetch_model(place, config, name=axis)
        for axis, place in places.items()
        if place
    }
