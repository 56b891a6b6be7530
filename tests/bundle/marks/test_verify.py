"""What is said of a file: marked or not, by whom, and whether the bundle draws the same picture again."""

import io
import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle import images, latents, paths
from bundle.__main__ import main
from bundle.errors import ImageError
from bundle.marks import (
    COMPOSITE,
    Film,
    MorphFrame,
    Point,
    Seed,
    Sheet,
    State,
    composite,
    formats,
    of_sheet,
    trained,
    verify,
    xmp,
)
from bundle.marks import verify_command as command
from bundle.marks.verify import FORGED, Finding
from bundle.model import BundleModel
from bundle.picture_files import Limits
from bundle.read import read
from bundle.runner import BundleRunner
from bundle.schema import BundleIndex
from tests.support import attributes, tiny

KEYS = (3, (7.25, 0.5), 2**32 - 1)
PATH = {"m": "gan", "keys": KEYS, "classes": (3, None, {1: 0.5, 2: 0.5}), "path": "spline", "loop": True, "t": 0.9}
STATES: dict[str, State] = {
    "point": Point(m="gan", x=5.5, y=-0.25, c=3),
    "own class": Point(m="gan", x=12, y=0),
    "mix": Point(m="gan", x=5.5, y=-0.25, c={3: 0.5, 5: 0.5}, t=0.7),
    "vae": Point(m="vae", x=5.5, y=1, c=4, t=0.5),
    "moved": Point(m="gan", x=1, y=0, c=2, attributes={"bright": 1.5, "slanted": -2}),
    "seed": Seed(m="vae", seed=2**32 - 1),
    "sheet": Sheet(m="gan", seed=2**32 - 3, count=10, columns=4),
    "morph": MorphFrame(**PATH, p=0.3),
    "strip": Film(**PATH, frames=5, columns=3),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> BundleModel:
    folder = tmp_path_factory.mktemp("marked") / "faces"
    attributes.add(tiny.build(folder, name="faces"))
    return BundleModel(BundleRunner(read(folder)))


def picture_of(model: BundleModel, state: State) -> np.ndarray:
    """The picture of a state, by the model's own methods."""
    kinds = model.class_count

    def weights(c):
        return None if c is None else latents.class_weights(c if isinstance(c, dict) else {c: 1.0}, kinds)

    match state:
        case Point():
            drawn = model.at(state.x, state.y, weights(state.c), state.t, state.m, state.attributes)
        case Seed():
            drawn = model.sample([state.seed], weights(state.c), state.t, state.m)
        case Sheet():
            seeds = [(state.seed + i) % 2**32 for i in range(state.count)]
            return images.sheet(images.to_uint8(model.sample(seeds)), state.columns)
        case MorphFrame() | Film():
            own = [latents.key_class(key, kinds) for key in state.keys]
            rows = np.stack([weights(own[i] if c is None else c) for i, c in enumerate(state.classes)])
            shares = np.array([state.p]) if isinstance(state, MorphFrame) else paths.path_shares(5, state.loop)
            drawn = model.morph_at(state.keys, shares, rows, state.path, state.loop, state.t, state.m)
            if isinstance(state, Film):
                return images.sheet(images.to_uint8(drawn), state.columns)
    return images.to_uint8(drawn)[0]


def said(data: bytes, model: BundleModel | None) -> Finding:
    return verify.finding(data, xmp.read(data), model)


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_a_marked_picture_is_drawn_again(model: BundleModel, state: State):
    mark = trained(model.runner.bundle, state)
    picture = picture_of(model, state)
    for shown in (picture, images.upscale(picture, 5 * picture.shape[0])):
        found = said(formats.png(shown, mark), model)
        assert (found.place, found.again, found.difference) == ("here", "same", 0), found.sentences
    changed = picture.copy()
    changed[3, 4] ^= 64
    forged = said(formats.png(changed, mark), model)
    assert (forged.again, forged.difference) == ("different", 64) and forged.sentences[-1] == FORGED


def test_one_grey_level_is_the_same_two_are_not(model: BundleModel):
    state = STATES["point"]
    picture = picture_of(model, state).clip(2, 253)
    exact = picture_of(model, state)
    off = np.where(exact < 128, exact + 1, exact - 1).astype(np.uint8)
    mark = trained(model.runner.bundle, state)
    assert said(formats.png(off, mark), model).again == "same"
    off[0, 0] = exact[0, 0] + 2 if exact[0, 0] < 128 else exact[0, 0] - 2
    assert said(formats.png(off, mark), model).again == "different"
    assert picture.shape == exact.shape


@pytest.mark.parametrize("fmt", ["WEBP", "GIF"])
def test_films_are_drawn_again_even_where_equal_frames_were_joined(model: BundleModel, fmt: str):
    """Three keys are equal, so a third of the frames is one picture, which both encoders store once."""
    film = Film(m="gan", keys=(3, 3, 8), classes=(1, 1, 2), path="linear", loop=False, frames=9, fps=20)
    mark = trained(model.runner.bundle, film)
    rows = np.stack([latents.one_hot(c, model.class_count) for c in film.classes])
    drawn = images.to_uint8(model.morph_at(film.keys, paths.path_shares(9, False), rows, "linear", False))
    assert (drawn[0] == drawn[3]).all()

    def encoded(frames: np.ndarray) -> bytes:
        first, *rest = (images.to_pillow(frame) for frame in images.upscale(frames, 64))
        buffer = io.BytesIO()
        more = {"lossless": True, "xmp": xmp.block(mark)} if fmt == "WEBP" else {}
        first.save(buffer, fmt, save_all=True, append_images=rest, duration=50, loop=0, **more)
        return buffer.getvalue() if fmt == "WEBP" else formats.gif(buffer.getvalue(), mark)

    assert said(encoded(drawn), model).again == "same"
    assert said(encoded(drawn[::-1]), model).again == "different"
    assert "another number of frames" in " ".join(said(encoded(drawn[:7]), model).sentences)


def test_a_png_that_shows_another_picture_than_its_film_is_not_the_same(model: BundleModel):
    """The picture that readers of stills show is no part of the film: a browser shows the film, which is foreign."""
    state = STATES["point"]
    exact, buffer = picture_of(model, state), io.BytesIO()
    still, foreign = images.to_pillow(exact), images.to_pillow(255 - exact)
    info = formats.png_info(trained(model.runner.bundle, state))
    still.save(buffer, "PNG", save_all=True, append_images=[foreign], default_image=True, pnginfo=info)
    assert b"fcTL" in buffer.getvalue()
    assert said(buffer.getvalue(), model).again == "different"


def film_file(model: BundleModel, film: Film, drawn: np.ndarray, pauses: list[int], fmt: str) -> bytes:
    """A marked film as Pillow writes it, which joins equal frames."""
    mark, buffer = trained(model.runner.bundle, film), io.BytesIO()
    first, *rest = (images.to_pillow(frame) for frame in drawn)
    more = {"xmp": xmp.block(mark)} if fmt == "WEBP" else {"pnginfo": formats.png_info(mark)} if fmt == "PNG" else {}
    lossless = {"lossless": True} if fmt == "WEBP" else {}
    first.save(buffer, fmt, save_all=True, append_images=rest, duration=pauses, loop=0, **lossless, **more)
    return formats.gif(buffer.getvalue(), mark) if fmt == "GIF" else buffer.getvalue()


@pytest.mark.parametrize("fmt", ["WEBP", "GIF", "PNG"])
@pytest.mark.parametrize("fps", [24, 30, 50])
def test_a_frame_that_stays_stands_for_as_many_as_its_time_holds(model: BundleModel, fmt: str, fps: int):
    """At 24 and 30 frames a second a pause is no whole number of milliseconds."""
    moving, count, unit = 5, 2 * fps, 100 if fmt == "GIF" else 1000
    film = Film(m="gan", keys=(3, 8), path="linear", loop=False, frames=count, fps=fps, times=(0, 0.1), seconds=2)
    own = [latents.key_class(key, model.class_count) for key in film.keys]
    rows = np.stack([latents.one_hot(one, model.class_count) for one in own])
    shares = paths.path_shares(count, False)
    drawn = images.to_uint8(model.morph_at(film.keys, shares, rows, "linear", False, timed=film.timed()))
    assert (drawn[moving] == drawn[-1]).all()
    ends = [round(i * unit / fps) * (1000 // unit) for i in range(count + 1)]
    pauses = [end - begin for begin, end in itertools.pairwise(ends)]
    data = film_file(model, film, drawn, pauses, fmt)
    with Image.open(io.BytesIO(data)) as file:
        assert file.n_frames < count / 2
    assert said(data, model).again == "same", said(data, model).sentences
    fewer = film_file(model, film, drawn[:-1], pauses[:-1], fmt)
    assert "another number of frames" in " ".join(said(fewer, model).sentences)


def test_of_a_long_film_no_more_is_claimed_than_was_compared(model: BundleModel):
    film = Film(m="gan", keys=(3, 8), classes=(1, 2), path="linear", loop=False, frames=250, fps=25)
    rows = np.stack([latents.one_hot(c, model.class_count) for c in film.classes])
    drawn = images.to_uint8(model.morph_at(film.keys, paths.path_shares(250, False), rows, "linear", False))

    def found(frames: np.ndarray) -> Finding:
        return said(film_file(model, film, frames, [40] * len(frames), "WEBP"), model)

    whole = found(drawn)
    assert (whole.again, whole.difference) == ("same so far", 0)
    assert "The first 240 of its 250 frames" in whole.sentences[-1] and "not compared" in whole.sentences[-1]
    for cut in (drawn[:240], drawn[:249]):
        assert "another number of frames" in " ".join(found(cut).sentences)
    early = drawn.copy()
    early[239] ^= 64
    assert found(early).again == "different"


def test_what_cannot_be_compared_is_said_to_be(model: BundleModel):
    bundle, picture = model.runner.bundle, picture_of(model, STATES["point"])
    repair = said(formats.png(picture, composite(bundle, {"draw": "repair", "m": "vae"})), model)
    assert repair.mark and repair.mark.source == COMPOSITE and repair.again == "not compared"
    assert "made from another picture" in " ".join(repair.sentences)
    nothing = said(formats.png(picture, trained(bundle)), model)
    assert "does not say what draws" in " ".join(nothing.sentences)
    unknown = said(formats.png(picture, trained(bundle, {"draw": "edit", "seed": "3"})), model)
    assert "cannot be drawn again here" in " ".join(unknown.sentences)
    lacking = Point(m="gan", x=1, y=0, attributes={"glasses": 1})
    assert "There is no attribute" in " ".join(said(formats.png(picture, trained(bundle, lacking)), model).sentences)
    for finding in (repair, nothing, unknown):
        assert "could not be checked" in finding.sentences[-1]


@pytest.mark.parametrize("fmt", ["JPEG", "TIFF", "AVIF"])
def test_a_whole_file_of_a_format_that_is_not_compared_is_not_called_damaged(model: BundleModel, fmt: str):
    state, buffer = STATES["point"], io.BytesIO()
    xmp_block = xmp.block(trained(model.runner.bundle, state))
    more = {"tiffinfo": {700: xmp_block}} if fmt == "TIFF" else {"xmp": xmp_block}
    images.to_pillow(picture_of(model, state)).save(buffer, fmt, **more)
    found = said(buffer.getvalue(), model)
    assert found.mark and found.again == "not compared"
    assert "Only PNG, WebP and GIF are compared" in " ".join(found.sentences)
    assert not any(word in " ".join(found.sentences) for word in ("damaged", "MP4"))


def test_a_whole_png_with_other_bytes_behind_it_is_not_called_damaged(model: BundleModel):
    """Programs that write a short file over a longer one leave such an end."""
    plain = images.png(picture_of(model, STATES["point"]))
    assert verify.CUT not in said(plain + b"x" * 100, model).sentences
    for cut in (9, 30, len(plain) // 2):
        assert verify.CUT in said(plain[:-cut] + b"", model).sentences


def test_a_picture_of_another_size_is_another_picture(model: BundleModel):
    mark = trained(model.runner.bundle, STATES["point"])
    found = said(formats.png(np.zeros((33, 32, 1), np.uint8), mark), model)
    assert found.again == "different" and "it has another size" in " ".join(found.sentences)


def test_a_film_of_very_many_pixels_is_not_compared(model: BundleModel):
    film = Film(m="gan", keys=(3, 8), path="linear", loop=False, frames=6, fps=20)
    buffer = io.BytesIO()
    frames = [Image.new("L", (320, 320), shade) for shade in range(6)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=50, loop=0)
    data = formats.gif(buffer.getvalue(), trained(model.runner.bundle, film))
    limits = Limits(10**6, 320 * 320, 0, 0, ("GIF",))
    assert verify.finding(data, xmp.read(data), model).again == "different"
    assert verify.TOO_MANY in verify.finding(data, xmp.read(data), model, limits).sentences


def test_limits_hold(model: BundleModel):
    data = formats.png(picture_of(model, STATES["point"]), trained(model.runner.bundle, STATES["point"]))
    with pytest.raises(ImageError, match="at most 0 MB"):
        verify.finding(data, xmp.read(data), model, Limits(100, 10**6, 0, 0, ("PNG",)))
    small = verify.finding(data, xmp.read(data), model, Limits(10**6, 100, 0, 0, ("PNG",)))
    assert "too many pixels" in " ".join(small.sentences)


# --- the command -----------------------------------------------------------------------------------


def test_the_command_finds_the_bundle_by_its_name(model: BundleModel, tmp_path: Path, capsys: pytest.CaptureFixture):
    folder = model.runner.bundle.folder
    file = tmp_path / "one.png"
    state = STATES["point"]
    file.write_bytes(formats.png(picture_of(model, state), trained(model.runner.bundle, state)))
    assert main(["verify", str(file), "--bundles", str(folder.parent)]) == 0
    assert main(["verify", str(file), "--bundles", str(folder)]) == 0
    assert capsys.readouterr().out.count("draws the same picture again: the largest difference is 0 of 255") == 2
    assert main(["verify", str(file), "--bundles", str(tmp_path)]) == 1
    assert "That bundle is not here." in capsys.readouterr().out
    other = tmp_path / "other" / "faces"
    tiny.build(other, name="faces")  # without attributes, which this picture does not need
    assert main(["verify", str(file), "--bundles", str(other.parent)]) == 0
    assert "another version of it" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "none.png")]) == 2
    assert main(["verify", str(file), "--bundles", str(tmp_path / "nowhere")]) == 2
    assert "There is no folder" in capsys.readouterr().err
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "bundle.json").write_text("{")
    assert main(["verify", str(file), "--bundles", str(broken)]) == 1


def test_a_folder_that_cannot_be_read_hides_no_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("closed", "tiny"):
        tiny.build(tmp_path / name, name=name)

    def read_index(folder: Path) -> BundleIndex:
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    real = command.read_index
    monkeypatch.setattr(command, "read_index", read_index)
    found = command.bundle_at_hand(tmp_path, real(tmp_path / "tiny").name)
    assert found is not None and found.runner.bundle.folder.name == "tiny"


def test_many_files_open_their_bundle_once(model: BundleModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder, state = model.runner.bundle.folder, STATES["point"]
    files = [tmp_path / f"{i}.png" for i in range(3)]
    for file in files:
        file.write_bytes(formats.png(picture_of(model, state), trained(model.runner.bundle, state)))
    opened = []
    monkeypatch.setattr(command, "read", lambda folder: opened.append(folder) or read(folder))
    assert main(["verify", *map(str, files), "--bundles", str(folder.parent)]) == 0
    assert opened == [folder]


def test_the_sample_sheet_of_a_bundle_is_marked_by_name(model: BundleModel):
    seeds = images.to_uint8(model.sample(range(16)))
    found = said(formats.png(images.sheet(seeds, 8), of_sheet("faces", "gan", 16, 8)), model)
    assert (found.place, found.again) == ("here", "same")
