"""A recording cut up: frames, the stretch that holds voice, and windows of it."""

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

SPEECH_SR_HZ: Final = 16_000

# Ends quieter than this below the loudest frame hold room, not voice.
TRIM_TOP_DB: Final = 35.0
TRIM_MARGIN_S: Final = 0.06
TRIM_MIN_S: Final = 0.4
# Whisper's encoder has positions for 8 s; the corpora's clips, which it learnt from, last 2 to 5.
MAX_WHOLE_S: Final = 8.0
WINDOW_S: Final = 5.0


def frame_signal(y: FloatArray, *, frame_length: int, hop_length: int) -> FloatArray:
    """View a waveform as overlapping frames.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), n_samples >= frame_length
        Waveform.
    frame_length, hop_length : int
        In samples.

    Returns
    -------
    ndarray of shape (n_frames, frame_length)
        A read-only view.
    """
    return np.lib.stride_tricks.sliding_window_view(y, frame_length)[::hop_length]


def frame_rms(y: FloatArray, *, frame_length: int, hop_length: int) -> FloatArray:
    """Root mean square of frames that are not centred and not padded.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Waveform; shorter than a frame counts as one frame.
    frame_length, hop_length : int
        In samples.

    Returns
    -------
    ndarray of shape (n_frames,), float32
    """
    frames = frame_signal(y, frame_length=min(frame_length, len(y)), hop_length=hop_length)
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", frames, frames) / frames.shape[1]))


def cut_voice(y: FloatArray, *, sr: int = SPEECH_SR_HZ) -> tuple[FloatArray, int]:
    """Cut off the quiet ends of a recording, which hold room and no voice.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), n_samples > 0
        Waveform.
    sr : int
        Sampling rate in Hz.

    Returns
    -------
    voice : ndarray of shape (n_voice_samples,)
        From the first to the last frame within 35 dB of the loudest, with a margin; at
        least 0.4 s. Where the recording has no margin there is silence, so that the same
        voice in a longer recording is the same clip.
    start : int
        Where it begins in the recording, in samples; negative within an added margin.
    """
    frame_length, hop_length = sr // 40, sr // 100
    margin, shortest = int(TRIM_MARGIN_S * sr), int(TRIM_MIN_S * sr)
    # Whole hops of silence on both sides, so that frames lie as they do without them.
    around = -(-(shortest + margin) // hop_length) * hop_length
    y = np.pad(y, around)
    rms = frame_rms(y, frame_length=frame_length, hop_length=hop_length)
    loud = np.flatnonzero(rms >= rms.max() * 10 ** (-TRIM_TOP_DB / 20))
    start = max(0, int(loud[0]) * hop_length - margin)
    end = int(loud[-1]) * hop_length + frame_length + margin
    lacking = max(0, shortest - (end - start))
    start, end = start - lacking // 2, end + lacking - lacking // 2
    return y[start:end], start - around


def cut_windows(y: FloatArray, *, sr: int = SPEECH_SR_HZ) -> list[slice]:
    """Cut what is longer than 8 s into windows of 5 s that cover it evenly.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Waveform without its quiet ends.
    sr : int
        Sampling rate in Hz.

    Returns
    -------
    list of slice
        In order, all of one length; one for a short recording.
    """
    if len(y) <= MAX_WHOLE_S * sr:
        return [slice(0, len(y))]
    length = int(WINDOW_S * sr)
    starts = np.linspace(0, len(y) - length, int(np.ceil(len(y) / length))).astype(int)
    return [slice(int(start), int(start) + length) for start in starts]


def voice_shares(y: FloatArray, windows: list[slice], *, sr: int = SPEECH_SR_HZ) -> FloatArray:
    """Tell how much of each window is voice: frames within 35 dB of the loudest.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Waveform.
    windows : list of slice
        From `cut_windows`.
    sr : int
        Sampling rate in Hz.

    Returns
    -------
    ndarray of shape (n_windows,), float32 in [0, 1]
    """
    frame_length, hop_length = sr // 40, sr // 100
    rms = frame_rms(y, frame_length=frame_length, hop_length=hop_length)
    voiced = rms >= rms.max() * 10 ** (-TRIM_TOP_DB / 20)
    shares = [voiced[w.start // hop_length : w.stop // hop_length].mean() for w in windows]
    return np.array(shares, np.float32)
