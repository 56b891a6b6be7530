"""A film of a training: what the same latents or held-out pictures looked like at each moment, with the pictures seen
under it, as WebP, GIF or MP4."""

from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bundle import images
from bundle.marks import composite, trained
from bundle.schema import Model
from bundle.snapshots import SnapshotPictures, read_snapshots
from demo.serving.served_bundle import ServedBundle
from demo.tabs.morph import animation, video

FilmFormat = Literal["webp", "gif", "mp4"]
FORMATS: tuple[FilmFormat, ...] = ("webp", "gif", "mp4")
SIDE = 512  # pixels of a frame's height, about
COLUMNS = 4
CAPTION = 40  # pixels below the pictures
FPS, HOLD = 4, 6  # frames a second; how long the last one stays, in frames
PAPER, INK = "white", "black"


def film(served: ServedBundle, model: Model, file_format: FilmFormat) -> bytes:
    """The film as a file. Raises BundleError where the bundle has no snapshots of this model, UserError without an
    encoder for MP4."""
    drawn = all_frames(served, model)
    made = {"draw": "training", "m": model}
    mark = (trained if model == "gan" else composite)(served.engine.bundle, made)  # above the VAE's stand held-out ones
    if file_format == "mp4":
        return video.encode(drawn, FPS, size=drawn.shape[1], mark=mark)
    return animation.encode(drawn, file_format, 1000 // FPS, size=drawn.shape[1], mark=mark)


def all_frames(served: ServedBundle, model: Model) -> np.ndarray:
    """The frames of the film, uint8 [N, H, W, C], the last one HOLD times more. Raises BundleError as `film`."""
    shown = read_snapshots(served.engine.bundle.folder, served.info, model)
    known = served.info.training[model].snapshots
    seen = [taken.images for taken in known.taken] if known else []
    drawn = frames(shown, seen)
    return np.concatenate([drawn, drawn[-1:].repeat(HOLD, axis=0)])


def frames(shown: SnapshotPictures, seen: list[int]) -> np.ndarray:
    """A frame uint8 [H, W, C] for each moment: its pictures, COLUMNS in a row, below those that they reconstruct; under
    them, the number of pictures seen."""
    above = shown.held_out
    sheets = [images.sheet(np.concatenate([above, moment]), COLUMNS) for moment in shown.pictures]
    large = images.upscale(np.stack(sheets), SIDE)
    return np.stack(
        [captioned(frame, f"{count:,}".replace(",", " ")) for frame, count in zip(large, seen, strict=True)]
    )


def captioned(frame: np.ndarray, words: str) -> np.ndarray:
    """A frame uint8 [H, W, C] with a line of text on white below it."""
    height, width, channels = frame.shape
    paper = Image.new("L" if channels == 1 else "RGB", (width, height + CAPTION), PAPER)
    paper.paste(images.to_pillow(frame), (0, 0))
    font = ImageFont.load_default(CAPTION // 2)
    ImageDraw.Draw(paper).text((width // 2, height + CAPTION // 2), words, fill=INK, font=font, anchor="mm")
    return np.asarray(paper).reshape(height + CAPTION, width, channels)
