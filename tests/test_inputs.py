import numpy as np
import pytest
from signals import DIFFICULT, recorded

from emosync.clip_statistics import mfcc_means
from emosync.errors import ModelUnavailable
from emosync.features import whisper_input, whisper_log_mel
from emosync.inputs import EXTRACTORS, extractor


def test_a_setting_of_the_card_reaches_the_features() -> None:
    y = recorded("voice_3s.wav")
    X = extractor("mfcc_means", {"n_mfcc": 13})(y)
    np.testing.assert_array_equal(X, mfcc_means(y, n_mfcc=13))


def test_networks_see_what_training_computes_in_two_steps() -> None:
    # Between the two, training changes the clips at random.
    y = recorded("voice_3s.wav")
    np.testing.assert_array_equal(extractor("log_mel", {})(y), whisper_input(whisper_log_mel(y)))


@pytest.mark.parametrize("feature_type", EXTRACTORS)
@pytest.mark.parametrize("name", DIFFICULT)
def test_every_kind_of_features_is_finite(feature_type: str, name: str) -> None:
    X = extractor(feature_type, {})(DIFFICULT[name])
    assert X.dtype == np.float32
    assert np.isfinite(X).all()


def test_unknown_features_make_the_model_unavailable() -> None:
    with pytest.raises(ModelUnavailable, match="wavelets"):
        extractor("wavelets", {})
