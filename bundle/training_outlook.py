"""What so many pictures seen are enough for, in trainings of the sets in artifacts/; what other sizes cost."""

# Stage -> (fewer than so many pictures, what they are enough for); the last has no bound.
ENOUGH: dict[str, tuple[tuple[float, str], ...]] = {
    "gan": (
        (30_000, "blobs in the right colours"),
        (150_000, "rough shapes"),
        (600_000, "pictures that one can recognise"),
        (float("inf"), "detailed pictures"),
    ),
    "vae": (
        (20_000, "blobs in the right colours"),
        (100_000, "blurred pictures"),
        (400_000, "recognisable pictures, somewhat blurred"),
        (float("inf"), "pictures about as sharp as they get"),
    ),
    "classifier": ((30_000, "rough guesses"), (150_000, "most of the classes"), (float("inf"), "all it can tell")),
    "attributes": ((30_000, "rough guesses"), (150_000, "most of the attributes"), (float("inf"), "all it can tell")),
    "inverter": ((30_000, "rough likenesses"), (float("inf"), "likenesses")),
    "repair": ((30_000, "rough repairs"), (float("inf"), "repairs")),
}
PIXEL_POWER = 0.9  # the time of a picture grows as its pixels to this power: a GAN of 128 px takes 3.5 times 64 px
SMALL = 64  # px; sets of a default size go down to it


def enough_for(stage: str, images: int) -> tuple[int, str]:
    """(level from 0, what so many pictures are enough for)."""
    levels = ENOUGH.get(stage, ((float("inf"), "a control"),))
    return next((i, words) for i, (most, words) in enumerate(levels) if images < most)


def speedup(size: float, smaller: int) -> str:
    """How many times as fast pictures of `smaller` px are trained on, in words."""
    times = (size / smaller) ** (2 * PIXEL_POWER)
    return f"{round(times)} times" if times >= 2 else f"{times:.1f} times"
