"""The public endpoints through gradio_client: what they answer, and how they refuse."""

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import gradio_client
import httpx
import numpy as np
import pytest
from PIL import Image

from bundle.sessions import choose_provider
from demo.serving.served_bundle import open_bundles
from tests.support.demo_page import launched

pytestmark = pytest.mark.serving

SEEDS = [0, 1, 77]


@pytest.fixture(scope="module")
def server(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    bundles, unavailable = open_bundles(tiny_bundle, choose_provider("cpu"))
    with launched(bundles, unavailable, files=tmp_path_factory.mktemp("gradio")) as address:
        yield address


@pytest.fixture(scope="module")
def client(server: str) -> gradio_client.Client:
    return gradio_client.Client(server, verbose=False)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    pixels = np.zeros((40, 40), np.uint8)
    pixels[8:32, 18:24] = 255
    Image.fromarray(pixels).save(path)
    return path


def pixels(address: str) -> np.ndarray:
    assert address.startswith("data:image/png;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))


def test_sample_gives_one_picture_a_seed_and_the_same_bytes_again(client: gradio_client.Client):
    first = client.predict(SEEDS, api_name="/sample")["images"]
    again = client.predict(seeds=SEEDS, bundle="tiny", model="gan", label="", api_name="/sample")["images"]
    assert first == again and len(set(first)) == len(SEEDS)
    assert pixels(first[0]).shape == (32, 32)


def test_sample_obeys_model_class_and_truncation(client: gradio_client.Client):
    def drawn(**arguments: object) -> str:
        return client.predict([5], **arguments, api_name="/sample")["images"][0]

    plain = drawn()
    assert np.array_equal(pixels(drawn(label="5")), pixels(plain))  # the class of seed 5, modulo ten classes
    assert len({plain, drawn(label="6"), drawn(model="vae"), drawn(truncation=0.2)}) == 4


def test_sample_draws_places_between_seeds(client: gradio_client.Client, server: str):
    drawn = client.predict([5, [5, 0], [5.25, -0.5]], label="5", api_name="/sample")["images"]
    live = httpx.get(f"{server}live/tiny?x=5.25&y=-0.5&c=5").content
    assert np.array_equal(pixels(drawn[0]), pixels(drawn[1]))
    assert np.array_equal(pixels(drawn[2]), np.asarray(Image.open(io.BytesIO(live))))


def test_interpolate_gives_an_animation_of_the_frames_asked_for(client: gradio_client.Client):
    for form, opened in (("webp", "WEBP"), ("gif", "GIF"), ("png-strip", "PNG")):
        answer = client.predict([1, 2, 3], frames=7, format=form, path="spline", api_name="/interpolate")
        data = base64.b64decode(answer["animation"].partition(",")[2])
        with Image.open(io.BytesIO(data)) as file:
            assert file.format == opened
            frames = file.width // file.height if form == "png-strip" else file.n_frames
        assert frames == answer["frames"] == 7


def test_interpolate_takes_the_path_under_its_older_name(client: gradio_client.Client):
    straight, old, spline = (
        client.predict([1, 2, 3], frames=5, format="png-strip", api_name="/interpolate", **words)["animation"]
        for words in ({"path": "linear"}, {"mode": "linear"}, {"path": "spline"})
    )
    assert straight == old != spline


def test_interpolate_takes_points_and_writes_an_archive(client: gradio_client.Client):
    arguments = {"frames": 5, "format": "zip", "label": "4", "loop": False}
    answer = client.predict([3, [7.25, 0.5]], **arguments, api_name="/interpolate")
    assert answer["animation"].startswith("data:application/zip;base64,")
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(answer["animation"].partition(",")[2]))) as archive:
        keys = json.loads(archive.read("path.json"))["keys"]
        first = np.asarray(Image.open(io.BytesIO(archive.read("frame-000.png"))))
    assert keys == [{"seed": 3, "class": 4, "label": "4"}, {"x": 7.25, "y": 0.5, "class": 4, "label": "4"}]
    assert np.array_equal(first, pixels(client.predict([3], label="4", api_name="/sample")["images"][0]))


def test_reconstruct(client: gradio_client.Client, picture: Path):
    answer = client.predict(gradio_client.handle_file(picture), "tiny", api_name="/reconstruct")
    seen, again, apart = (pixels(answer[key]).astype(int) for key in ("input", "image", "difference"))
    assert seen.shape == again.shape == (32, 32)
    assert np.abs(np.abs(seen - again) - apart).max() <= 1
    assert answer["mse"] == pytest.approx(np.mean((seen - again) ** 2) / 255**2, rel=0.02)
    assert answer["psnr"] == pytest.approx(-10 * np.log10(answer["mse"]), abs=1e-3)


def test_repair_keeps_the_known_pixels(client: gradio_client.Client, picture: Path, tmp_path: Path):
    mask = np.full((32, 32), 255, np.uint8)
    mask[:, :16] = 0
    path = tmp_path / "mask.png"
    Image.fromarray(mask).save(path)
    files = gradio_client.handle_file(picture), gradio_client.handle_file(path)
    seen = pixels(client.predict(files[0], "", api_name="/reconstruct")["input"])
    answers = [pixels(client.predict(*files, "", model, api_name="/repair")["image"]) for model in ("vae", "gan")]
    for answer in answers:
        assert np.array_equal(answer[:, 16:], seen[:, 16:])
        assert not np.array_equal(answer[:, :16], seen[:, :16])
    assert not np.array_equal(*answers)


def test_invert_never_gets_worse_by_searching(client: gradio_client.Client, picture: Path):
    file = gradio_client.handle_file(picture)
    plain = client.predict(file, "tiny", 0, 0, api_name="/invert")
    searched = client.predict(file, "tiny", 3, 0, api_name="/invert")
    assert searched["mse"] <= plain["mse"]
    assert np.asarray(searched["w"]).shape == (4, 8)


def test_classify_names_every_class(client: gradio_client.Client, picture: Path):
    answer = client.predict(gradio_client.handle_file(picture), "tiny", api_name="/classify")
    assert list(answer) == [str(k) for k in range(10)]
    assert sum(answer.values()) == pytest.approx(1, abs=1e-4)


REFUSALS = [
    ("/sample", {"seeds": []}, "Seeds must be a list of 1 to 64"),
    ("/sample", {"seeds": list(range(65))}, "Seeds must be a list of 1 to 64"),
    ("/sample", {"seeds": [2**32]}, "The seed must be a whole number"),
    ("/sample", {"seeds": [-1]}, "The seed must be a whole number"),
    ("/sample", {"seeds": [1.5]}, "The seed must be a whole number"),
    ("/sample", {"seeds": [10**400]}, "The seed must be a whole number"),
    ("/sample", {"seeds": [1], "truncation": 10**400}, "The truncation must be a number"),
    ("/sample", {"seeds": ["1"]}, "The seed must be a whole number"),
    ("/sample", {"seeds": 10**9}, "Seeds must be a list"),
    ("/sample", {"seeds": [1], "bundle": "../etc"}, "There is no bundle '../etc': choose one of tiny."),
    ("/sample", {"seeds": [1], "bundle": ["tiny"]}, "There is no bundle"),
    ("/sample", {"seeds": [1], "model": "diffusion"}, "The model must be one of gan, vae"),
    ("/sample", {"seeds": [1], "label": "eleven"}, "There is no class 'eleven'"),
    ("/sample", {"seeds": [1], "label": {"a": 1}}, "There is no class"),
    ("/sample", {"seeds": [1], "truncation": 1e9}, "The truncation must be a number from 0 to 1.5"),
    ("/sample", {"seeds": [1], "truncation": "NaN"}, "The truncation must be a number"),
    ("/sample", {"seeds": [1], "truncation": None}, "The truncation must be a number"),
    ("/interpolate", {"seeds": [1]}, "Seeds must be a list of 2 to 16"),
    ("/interpolate", {"seeds": [1, [1e9, 0]]}, "The coordinate of a point must be a number"),
    ("/interpolate", {"seeds": [1, 2], "frames": 10**9}, "The number of frames must be a whole number from 2 to 240"),
    ("/interpolate", {"seeds": [1, 2], "path": "zigzag"}, "The path must be one of"),
    ("/interpolate", {"seeds": [1, 2], "format": "exe"}, "The format must be one of"),
    ("/interpolate", {"seeds": [1, 2], "loop": "yes"}, "The loop must be true or false"),
]


@pytest.mark.parametrize(("name", "arguments", "sentence"), REFUSALS)
def test_bad_arguments_get_a_sentence(client: gradio_client.Client, name: str, arguments: dict, sentence: str):
    with pytest.raises(gradio_client.exceptions.AppError, match=re.escape(sentence)):
        client.predict(**arguments, api_name=name)


def test_bad_files_get_a_sentence_and_the_server_lives(client: gradio_client.Client, tmp_path: Path):
    def refused(path: Path, sentence: str) -> None:
        with pytest.raises(Exception, match=sentence):
            client.predict(gradio_client.handle_file(path), "tiny", api_name="/classify")

    bomb = tmp_path / "bomb.png"
    Image.new("1", (13_000, 13_000)).save(bomb)
    refused(bomb, "too many pixels")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    refused(broken, "not a picture that can be read")
    huge = tmp_path / "huge.png"
    huge.write_bytes(bytes(50_000_000))
    refused(huge, "exceeds the maximum file size")
    assert client.predict([1], api_name="/sample")["images"]


def test_a_path_of_the_server_is_not_read_as_an_upload(server: str, picture: Path):
    """A caller who names a file of the server instead of uploading one gets nothing of it."""
    inputs = [{"path": str(picture), "meta": {"_type": "gradio.FileData"}}, "tiny"]
    answer = httpx.post(f"{server}gradio_api/call/classify", json={"data": inputs})
    assert answer.status_code == 400 and "must be a file that was uploaded" in answer.json()["detail"]


def test_the_search_is_refused_beyond_its_bounds(client: gradio_client.Client, picture: Path):
    with pytest.raises(gradio_client.exceptions.AppError, match="The number of rounds must be a whole number"):
        client.predict(gradio_client.handle_file(picture), "tiny", 10**9, 0, api_name="/invert")


def test_downloads_are_the_listed_files_only(server: str, tiny_bundle: Path):
    graph = httpx.get(f"{server}bundles/tiny/decoder.onnx")
    assert graph.content == (tiny_bundle / "decoder.onnx").read_bytes()
    for name in ("README.md", "..%2Fbundle.json", "nothing.onnx", "examples/24.png"):
        assert httpx.get(f"{server}bundles/tiny/{name}").status_code == 404
    assert httpx.get(f"{server}bundles/unknown/bundle.json").status_code == 404
    assert httpx.get(f"{server}bundles/tiny/examples/0.png").headers["content-type"] == "image/png"
