"""Warnings of other packages that no change of ours could avoid, each with its cause."""

from typing import Final

import pytest

# Keras saves weights by np.array(variable), and TensorFlow's variables do not know the
# argument `copy` that NumPy 2 passes on.
SAVING_WEIGHTS: Final = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
# Keras looks whether NumPy still has `np.object`, which tf2onnx asks for.
EXPORTING_ONNX: Final = pytest.mark.filterwarnings(
    "ignore:In the future `np.object` will be defined:FutureWarning"
)
# Keras says of every layer without weights that there is nothing to quantise in it.
QUANTISING: Final = pytest.mark.filterwarnings(
    "ignore:Layer .* does not have a `quantize` method implemented:UserWarning"
)
# Pillow warns of damaged EXIF, which our own reading of it takes for none.
DAMAGED_EXIF: Final = pytest.mark.filterwarnings("ignore:.*EXIF data:UserWarning")
# skl2onnx looks whether a support vector machine was fitted with probabilities.
EXPORTING_SVM: Final = pytest.mark.filterwarnings(
    "ignore:Attribute `prob[AB]_` was deprecated:FutureWarning"
)
