"""One picture: every mode and format, transparency, fit and background."""

import io

import numpy as np
import pytest
from PIL import Image

from bundle.errors import UserError
from bundle.pictures import fit
from train.data.load import load


def test_sixteen_bits_keep_their_gradation():
    deep = Image.fromarray((np.arange(256).reshape(16, 16) * 257).astype(np.uint16))
    assert np.abs(fit(deep, "L", 16)[0].astype(int) - np.arange(256).reshape(16, 16)).max() <= 1


def test_transparency_lies_on_white():
    clear = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    assert (fit(clear, "RGB", 16) == 255).all()


def test_small_pictures_are_padded_with_their_border_and_others_cropped():
    picture = Image.new("L", (28, 28), 7)
    assert (fit(picture, "L", 32) == 7).all()
    wide = Image.fromarray(np.repeat(np.array([[0, 255, 255, 0]], np.uint8), 20, axis=1).repeat(40, axis=0))
    assert (fit(wide, "L", 16) > 230).all()


def test_exif_rotation_is_obeyed():
    picture = Image.new("L", (16, 16), 0)
    picture.paste(255, (0, 0, 16, 8))
    exif = picture.getexif()
    exif[0x0112] = 3  # upside down
    stored = io.BytesIO()
    picture.save(stored, "JPEG", exif=exif, quality=100)
    assert fit(Image.open(stored), "L", 16)[0, -1].mean() > 250


def saved(picture: Image.Image, fmt: str, **options) -> bytes:
    stored = io.BytesIO()
    picture.save(stored, fmt, **options)
    return stored.getvalue()


def half_clear(mode: str) -> Image.Image:
    """Left half opaque mid grey (or orange), right half transparent."""
    image = Image.new("RGBA", (32, 32), (200, 100, 50, 0) if mode == "RGBA" else (120, 120, 120, 0))
    image.paste((200, 100, 50, 255) if mode == "RGBA" else (120, 120, 120, 255), (0, 0, 16, 32))
    if mode == "P":
        image = Image.new("P", (32, 32), 0)
        image.putpalette([200, 100, 50, 0, 0, 0])
        image.paste(1, (16, 0, 32, 32))
        image.info["transparency"] = 1
        return image
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
@pytest.mark.parametrize(("channels", "target", "under"), [(1, "L", 0), (3, "RGB", 255)])
def test_transparent_parts_look_in_training_as_in_the_demo(mode, channels, target, under):
    from bundle.images import decode, to_uint8

    options = {"transparency": 1} if mode == "P" else {}
    data = saved(half_clear(mode), "PNG", **options)
    trained = fit(Image.open(io.BytesIO(data)), target, 32)
    assert (trained[:, :, 20:] == under).all()
    assert (trained[0, :, :12] < 220).all() and (trained[0, :, :12] > 90).all()
    assert np.array_equal(trained, to_uint8(decode(data, channels, 32))[0].transpose(2, 0, 1))


def test_a_background_can_be_chosen():
    assert fit(half_clear("RGBA"), "RGB", 32, background="#102030")[:, 0, -1].tolist() == [0x10, 0x20, 0x30]
    assert fit(half_clear("LA"), "L", 32, background="white")[0, 0, -1] == 255
    with pytest.raises(UserError, match="--background whit is no colour"):
        load("shapes", background="whit")


def test_pad_shows_the_whole_picture_on_the_background():
    wide = Image.new("RGB", (64, 32), "red")
    padded = fit(wide, "RGB", 32, "pad", "blue")
    assert padded[:, 16, 0].tolist() == [255, 0, 0] and padded[:, 16, -1].tolist() == [255, 0, 0]
    assert padded[:, 7, 16].tolist() == [0, 0, 255] and padded[:, -8, 16].tolist() == [0, 0, 255]
    assert padded[:, 8, 16].tolist() == [255, 0, 0]
    assert (fit(wide, "RGB", 32, "crop", "blue")[2] == 0).all()
    small = fit(Image.new("L", (28, 28), 90), "L", 32, "pad")
    assert small[0, 2:30, 2:30].min() == 90 and small[0, :2].max() == 0


@pytest.mark.parametrize("fmt", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_counts(fmt):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("white", "black")]
    data = saved(frames[0], fmt, save_all=True, append_images=frames[1:])
    assert fit(Image.open(io.BytesIO(data)), "L", 16).min() > 250


def test_float_pictures():
    ramp = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    assert fit(Image.fromarray(ramp), "L", 16)[0].tolist() == np.arange(256).reshape(16, 16).tolist()
    ramp[3, 3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        fit(Image.fromarray(ramp), "L", 16)
