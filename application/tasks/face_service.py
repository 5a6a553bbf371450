"""Faces of pictures and their emotions; knows the application, not Flask."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from application.tasks.loaded_models import LoadedModels
from emosync.archive import Archive
from emosync.errors import NoFace
from emosync.face_crops import crop_faces, face_input, whole_face
from emosync.faces import Face, find_faces
from emosync.history import Entry, new_entry
from emosync.images import Image, decode_image, image_kind
from emosync.results import Window
from emosync.settings import MethodChoice, Settings
from emosync.sources import Source
from emosync.stages import Stages

TASK: Final = "face"
# What the history says of a picture without faces.
NO_FACE: Final = "no face"
# The model that finds faces; the others name their emotions.
DETECTOR: Final = "detector"


@dataclass(frozen=True)
class FacesTold:
    """What is told of a picture.

    Attributes
    ----------
    entry : Entry
        Its row in the history; the emotion there is that of the largest face.
    width, height : int
        Of the upright picture in pixels.
    faces : list of dict
        `box`, `emotion`, `confidence` and `probabilities` of each face, the largest first.
    """

    entry: Entry
    width: int
    height: int
    faces: list[dict[str, Any]]


class FaceService:
    """What the views ask for about faces, one method each.

    Parameters
    ----------
    models : LoadedModels
        Asked when a request needs them.
    settings : Settings
        Holds the method in force.
    archive : Archive
        Where pictures are kept.
    """

    def __init__(self, models: LoadedModels, settings: Settings, archive: Archive) -> None:
        self._models = models
        self.methods = MethodChoice(settings, TASK, self._emotion_methods)
        self._archive = archive

    def recognise(
        self,
        source: Source,
        *,
        method: str | None,
        detect: bool,
        stages: Stages,
        needed: bool = False,
    ) -> FacesTold:
        """Find the faces of a picture, tell their emotions, and keep the picture.

        Parameters
        ----------
        source : Source
            The picture.
        method : str, optional
            By default the one in force.
        detect : bool
            Whether to look for faces; else the whole picture is one.
        stages : Stages
            Gets the time that each stage took.
        needed : bool
            Whether a picture without a face is of no use.

        Returns
        -------
        FacesTold

        Raises
        ------
        NoFace
            If a face is needed and there is none.
        EmoSyncError
            As `images.decode_image` does.
        """
        way = self.methods.named(method, stages)
        with stages.measure("decode"):
            image = decode_image(source.data)
        faces = self._found(image, detect, stages)
        if needed and not faces:
            raise NoFace("There is no face in the picture; send one that shows a face.")
        with stages.measure("model"):
            crops = crop_faces(image, faces) if detect else whole_face(image)
            told = self._models.predictor.face_emotions(face_input(crops), method=way)
        entry = new_entry(
            source.filename,
            told[0] if told else {},
            task=TASK,
            method=way,
            duration_s=0.0,
            windows=[Window(0.0, *next(iter(emotions.items()))) for emotions in told],
            details={"boxes": [_box(face) for face in faces]},
            nothing=NO_FACE,
        )
        kind = image_kind(source.data)
        (kept,) = self._archive.keep([entry], source.data, container=kind, stages=stages)
        members = [_member(face, emotions) for face, emotions in zip(faces, told, strict=True)]
        return FacesTold(kept, image.width, image.height, members)

    def draw(self, entry: Entry) -> bytes:
        """Draw a picture of the history with a box around each face, as PNG."""
        # Most workers never draw.
        from emosync.face_plots import marked_faces

        image = decode_image(self._archive.recording(entry))
        boxes = entry.details.get("boxes")
        if boxes is None:
            boxes = self._boxes_again(image, len(entry.windows))
        told = entry.windows[: len(boxes)]
        captions = [f"{face.emotion} {face.confidence:.0%}" for face in told]
        return marked_faces(image, boxes, captions)

    def report(self, entry: Entry, panels: bytes) -> bytes:
        """Write the PDF of a picture, with its faces marked."""
        # reportlab and matplotlib cost a second at start-up, and most workers never draw.
        from emosync.face_report import face_report
        from emosync.report import ReportData

        card = self._models.predictor.card(TASK, entry.method)
        return face_report(ReportData.of(entry, card=card), panels=panels)

    def _found(self, image: Image, detect: bool, stages: Stages) -> list[Face]:
        if not detect:
            return [_whole(image)]
        with stages.measure("detect"):
            return find_faces(image, self._models.predictor.face_detector)

    def _boxes_again(self, image: Image, n_faces: int) -> list[tuple[float, ...]]:
        """Look for the faces of an entry that is too old to have their boxes."""
        faces = self._found(image, True, Stages())
        if len(faces) != n_faces:
            # It was taken for one face as it is.
            faces = [_whole(image)] * bool(n_faces)
        return [_box(face) for face in faces]

    def _emotion_methods(self) -> list[str]:
        return [name for name in self._models.predictor.methods(TASK) if name != DETECTOR]


def _whole(image: Image) -> Face:
    """Take the picture for one face as it is."""
    return Face(
        left=0.0,
        top=0.0,
        width=float(image.width),
        height=float(image.height),
        score=1.0,
        middle=(image.width / 2, image.height / 2),
        side=float(max(image.width, image.height)),
        eyes=np.zeros((2, 2), np.float32),
    )


def _box(face: Face) -> tuple[float, ...]:
    """Give left, top, width and height as they are answered and kept."""
    return tuple(round(side, 1) for side in (face.left, face.top, face.width, face.height))


def _member(face: Face, probabilities: dict[str, float]) -> dict[str, Any]:
    emotion, confidence = next(iter(probabilities.items()))
    return {
        "box": dict(zip(("x", "y", "width", "height"), _box(face), strict=True)),
        "emotion": emotion,
        "confidence": confidence,
        "probabilities": probabilities,
    }
