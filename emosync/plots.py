"""Results as pictures: the panels of a recording, the confusion matrix of a model.

Colour maps are even in lightness and safe for colour-blind readers.
"""

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator, MultipleLocator, StrMethodFormatter

from emosync import overview
from emosync.canvas import DPI, INK, MUTED, drawing, head, open_frame, png

PANELS_SIZE_IN: Final = (9.2, 8.0)
LEFT: Final = 0.085
RIGHT: Final = 0.925
# One column per pixel of the axes, or a little less.
N_COLUMNS: Final = 900
SPECTROGRAM_RANGE_DB: Final = 70.0
MFCC_RANGE_SD: Final = 2.5
# A cell darker than this takes white letters.
DARK_SHARE: Final = 0.65
WAVE_PEAK: Final = "#9ecae1"
WAVE_RMS: Final = "#2171b5"

Samples = npt.NDArray[np.float32]


def recording_panels(y: Samples, *, sr: int, title: str) -> bytes:
    """Draw the waveform, the spectrogram and the MFCC of a recording.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), n_samples > 0
        Mono waveform, full scale 1.
    sr : int
        Sampling rate in Hz.
    title : str
        Any text, such as the name of the file; never read as markup.

    Returns
    -------
    bytes
        A PNG of 1012 x 880 pixels.
    """
    with drawing():
        return png(_panels(y, sr, title))


def confusion_matrix(matrix: npt.ArrayLike, labels: Sequence[str], *, title: str) -> bytes:
    """Draw how often each label was taken for which.

    Parameters
    ----------
    matrix : array-like of shape (n_labels, n_labels)
        Counts; a row per true label, a column per predicted one.
    labels : sequence of str, n_labels long
        Their order in `matrix`.
    title : str
        Any text; never read as markup.

    Returns
    -------
    bytes
        A PNG: every cell with its share of the row in percent and its count.
    """
    with drawing():
        return png(_matrix(np.asarray(matrix), labels, title))


def _panels(y: Samples, sr: int, title: str) -> Figure:
    """Lay out the three panels, their time axes one below the other."""
    figure = Figure(figsize=PANELS_SIZE_IN, dpi=DPI)
    grid = figure.add_gridspec(
        3, 2, width_ratios=(60, 1), height_ratios=(1.0, 1.8, 1.4),
        left=LEFT, right=RIGHT, top=0.885, bottom=0.062, hspace=0.36, wspace=0.03,
    )  # fmt: skip
    axes = [figure.add_subplot(grid[row, 0]) for row in range(3)]
    bars = [figure.add_subplot(grid[row, 1]) for row in (1, 2)]
    duration_s = y.size / sr
    head(figure, title, f"{duration_s:,.2f} s, {sr / 1000:g} kHz", left=LEFT, right=RIGHT)
    _draw_waveform(axes[0], y, duration_s=duration_s)
    _draw_spectrogram(axes[1], bars[0], y, sr=sr)
    _draw_mfcc(axes[2], bars[1], y, sr=sr)
    for ax in axes:
        ax.set_xlim(0.0, duration_s)
        ax.yaxis.set_label_coords(-0.068, 0.5)
    axes[-1].set_xlabel("Time (s)")
    return figure


def _matrix(counts: npt.NDArray[Any], labels: Sequence[str], title: str) -> Figure:
    """Lay out the matrix, its side in proportion to the number of labels."""
    side_in = 2.3 + 0.7 * len(labels)
    left, right, bottom, top = 1.2, side_in - 0.25, 0.7, side_in - 0.8
    figure = Figure(figsize=(side_in, side_in), dpi=DPI)
    ax = figure.add_axes(
        (left / side_in, bottom / side_in, (right - left) / side_in, (top - bottom) / side_in)
    )
    head(figure, title, _matrix_facts(counts), left=0.3 / side_in, right=right / side_in)
    _draw_matrix(ax, counts, labels)
    return figure


def _matrix_facts(counts: npt.NDArray[Any]) -> str:
    """Say how many examples there are and how many were right."""
    n_examples, right = counts.sum(), np.diag(counts)
    totals = counts.sum(axis=1)
    recall = np.mean(right[totals > 0] / totals[totals > 0]) if n_examples else 0.0
    accuracy = right.sum() / max(1, n_examples)
    return f"{n_examples:,.0f} examples, {accuracy:.1%} right; mean recall {recall:.1%}"


def _draw_matrix(ax: Axes, counts: npt.NDArray[Any], labels: Sequence[str]) -> None:
    """Draw the cells, a share and a count in each."""
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    ax.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    # The row of a label without examples stays empty: nothing is known of it, not 0%.
    for row, column in itertools.product(range(len(labels)), repeat=2):
        if not counts[row].any():
            continue
        _write_cell(ax, row, column, share=shares[row, column], count=counts[row, column])
    ax.set_xticks(range(len(labels)), labels, rotation=30, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(labels)), labels)
    ax.set_xticks(np.arange(len(labels) - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(len(labels) - 1) + 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.5)
    ax.tick_params(which="both", length=0, labelcolor=INK)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("Predicted")
    ax.set_ylabel("True")


def _write_cell(ax: Axes, row: int, column: int, *, share: float, count: float) -> None:
    """Write a cell's share, and its count below."""
    ink = "white" if share > DARK_SHARE else INK
    ax.text(column, row, f"{share:.0%}", size=10, color=ink, ha="center", va="bottom")
    ax.text(column, row + 0.06, f"{count:,.0f}", size=7, color=ink, ha="center", va="top")


def _draw_waveform(ax: Axes, y: Samples, *, duration_s: float) -> None:
    """Draw the extremes and the RMS level per column."""
    shape = overview.envelope(y, n_columns=N_COLUMNS)
    times_s = np.linspace(0.0, duration_s, shape.rms.size)
    ax.fill_between(times_s, shape.low, shape.high, color=WAVE_PEAK, linewidth=0.4, label="peak")
    ax.fill_between(times_s, -shape.rms, shape.rms, color=WAVE_RMS, linewidth=0, label="RMS")
    limit = max(0.05, 1.08 * float(np.abs(y).max()))
    ax.set_ylim(-limit, limit)
    ax.set_title("Waveform")
    ax.set_ylabel("Share of full scale")
    ax.yaxis.set_major_locator(MaxNLocator(5, symmetric=True))
    ax.legend(
        loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=2, frameon=False,
        fontsize=8, labelcolor=MUTED, handlelength=1.0, borderpad=0.2, columnspacing=1.2,
    )  # fmt: skip
    open_frame(ax)


def _draw_spectrogram(ax: Axes, bar: Axes, y: Samples, *, sr: int) -> None:
    """Draw the power over time and frequency."""
    power_db = overview.spectrogram_db(y, sr=sr, n_columns=N_COLUMNS)
    image = _heat_map(
        ax, power_db, top=sr / 2, duration_s=y.size / sr,
        cmap="magma", vmin=-SPECTROGRAM_RANGE_DB, vmax=0.0, interpolation="bilinear",
    )  # fmt: skip
    ax.set_title("Spectrogram")
    ax.set_ylabel("Frequency (Hz)")
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    _colour_bar(bar, image, label="Power (dB below the maximum)", step=10.0)


def _draw_mfcc(ax: Axes, bar: Axes, y: Samples, *, sr: int) -> None:
    """Draw the cepstral coefficients, each against its own mean and deviation."""
    mfcc = overview.mfcc_columns(y, sr=sr, n_columns=N_COLUMNS)
    n_mfcc = mfcc.shape[0]
    image = _heat_map(
        ax, overview.standardised(mfcc), top=n_mfcc, duration_s=y.size / sr,
        cmap="PuOr_r", vmin=-MFCC_RANGE_SD, vmax=MFCC_RANGE_SD, interpolation="nearest",
    )  # fmt: skip
    ax.set_title("MFCC")
    ax.set_ylabel("Coefficient")
    ax.set_yticks(np.arange(0, n_mfcc, 4) + 0.5, [str(k) for k in range(0, n_mfcc, 4)])
    _colour_bar(bar, image, label="Standard deviations from mean", step=1.0)


def _heat_map(
    ax: Axes, values: Samples, *, top: float, duration_s: float, **style: Any
) -> AxesImage:
    """Show rows x columns as colours, from the axes' corner to (`duration_s`, `top`)."""
    ax.tick_params(length=3)
    return ax.imshow(
        values, origin="lower", aspect="auto", extent=(0.0, duration_s, 0.0, top), **style
    )


def _colour_bar(bar: Axes, image: AxesImage, *, label: str, step: float) -> None:
    """Explain the colours beside the panel."""
    colours = Colorbar(bar, image, label=label)
    colours.outline.set_visible(False)
    bar.yaxis.set_major_locator(MultipleLocator(step))
    bar.tick_params(length=0, labelsize=8)
    bar.yaxis.set_label_coords(4.4, 0.5)
