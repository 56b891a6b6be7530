"""Arrays of pictures: bytes and numbers, sheets, enlarging, PNG, and how far two images are apart.

Two forms only. "image": float32 [N, C, H, W] in [0, 1], what the graphs take and give. "picture": uint8
[H, W, C] (many: [N, H, W, C]) with C = 1 or 3, what files and screens take.
"""

import io

import numpy as np
from PIL import Image

SSIM_WINDOW = 11  # pixels a side


def as_bytes(values: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1] as uint8 of the same shape: a byte is round(255 x), and what lies outside is clipped."""
    return np.rint(np.clip(values, 0.0, 1.0) * 255).astype(np.uint8)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Image [N, C, H, W] in [0, 1] -> pictures uint8 [N, H, W, C]."""
    return as_bytes(image).transpose(0, 2, 3, 1)


def from_uint8(pictures: np.ndarray) -> np.ndarray:
    """Pictures uint8 [N, H, W, C] -> image [N, C, H, W] float32 in [0, 1]."""
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255)


def png(picture: np.ndarray, level: int = 6) -> bytes:
    """A picture uint8 [H, W, C] as PNG bytes; `level` 0 (fast) to 9 (small)."""
    buffer = io.BytesIO()
    to_pillow(picture).save(buffer, "PNG", compress_level=level)
    return buffer.getvalue()


def sheet(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Pictures [N, H, W, C] side by side, row by row, without gaps; the last row is filled up with black."""
    count, height, width, depth = pictures.shape
    rows = -(-count // columns)
    blank = np.zeros((rows * columns - count, height, width, depth), dtype=pictures.dtype)
    grid = np.concatenate([pictures, blank]).reshape(rows, columns, height, width, depth)
    return grid.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, depth)


def tiled(image: np.ndarray, columns: int) -> np.ndarray:
    """Images [N, C, H, W] side by side, row by row, as one image [1, C, rows H, columns W]; filled up with 0."""
    return np.ascontiguousarray(sheet(image.transpose(0, 2, 3, 1), columns).transpose(2, 0, 1)[None])


def upscale(pictures: np.ndarray, size: int = 256) -> np.ndarray:
    """Pictures [..., H, W, C] enlarged by whole pixels to a height of about `size`; never made smaller."""
    factor = max(1, round(size / pictures.shape[-3]))
    return pictures.repeat(factor, axis=-3).repeat(factor, axis=-2)


def to_pillow(picture: np.ndarray) -> Image.Image:
    """A picture uint8 [H, W, C] as Pillow's, mode L or RGB."""
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)


# --- how far two images are apart ----------------------------------------------------------------


def mse(a: np.ndarray, b: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Mean squared error [N] of images [N, C, H, W]; with a mask [1 or N, 1, H, W], over its 1s only."""
    squared = np.square(a.astype(np.float64) - b)
    if mask is None:
        return squared.mean(axis=(1, 2, 3))
    weights = np.broadcast_to(mask, squared.shape).astype(np.float64)
    return (squared * weights).sum(axis=(1, 2, 3)) / np.maximum(weights.sum(axis=(1, 2, 3)), 1.0)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two images in [0, 1], in dB; infinite when they are equal."""
    error = float(mse(a, b).mean())
    return float("inf") if error == 0 else -10 * float(np.log10(error))


def ssim(a: np.ndarray, b: np.ndarray) -> float | None:
    """Mean structural similarity, at most 1, of two images [N, C, H, W] in [0, 1] (Wang et al. 2004).

    Gaussian window 11 x 11 with sigma 1.5, images mirrored at their edges, as torchmetrics and published figures have
    it. None for images smaller than the window.
    """
    if min(a.shape[2:]) < SSIM_WINDOW:
        return None
    edge = SSIM_WINDOW // 2
    border = ((0, 0), (0, 0), (edge, edge), (edge, edge))
    x, y = (np.pad(image.astype(np.float64), border, mode="reflect") for image in (a, b))
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    var_x, var_y = _window_mean(x * x) - mean_x**2, _window_mean(y * y) - mean_y**2
    covariance = _window_mean(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    return float((luminance * structure).mean())


def _window_mean(image: np.ndarray) -> np.ndarray:
    window = np.exp(-0.5 * ((np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2) / 1.5) ** 2)
    window /= window.sum()
    for axis in (2, 3):
        image = np.lib.stride_tricks.sliding_window_view(image, SSIM_WINDOW, axis=axis) @ window
    return image
