"""What a set of pictures must be for training to make sense; everything else is a UserError."""

from hashlib import blake2b

from bundle.errors import UserError
from train.data.mapped_images import Images
from train.data.scan import Scan

LEAST_PICTURES = 20
LEAST_TRAINING_PICTURES = 10
FEW_PICTURES = 100
"""Below this a GAN mostly repeats its pictures."""
MANY_COPIES = 0.05
"""The share of the pictures of a split, above which copies are told."""


def few_pictures(count: int) -> list[str]:
    """A note where there are so few pictures that a GAN can hardly learn from them."""
    if not LEAST_PICTURES <= count < FEW_PICTURES:
        return []
    return [f"{count} pictures are few: a GAN mostly repeats them, a VAE does better; {FEW_PICTURES} or more help most"]


def copies(train: Images, test: Images) -> list[str]:
    """Notes where many pictures, uint8 [N, C, H, W] each, are copies of others in all their pixels: held-out ones that
    are copies of training pictures measure what was learned by heart."""
    seen: set[bytes] = set()
    counts = [0, 0]
    for split, images in enumerate((train, test)):
        for part in images.split(1000):
            for picture in part.numpy():
                key = blake2b(picture.tobytes(), digest_size=16).digest()
                counts[split] += key in seen
                if split == 0:
                    seen.add(key)
    in_train, held_out = counts
    if in_train <= MANY_COPIES * len(train) and held_out <= MANY_COPIES * len(test):
        return []
    notes = [f"{in_train} of {len(train)} training pictures are copies of others"] if in_train else []
    if held_out:
        who = f"{held_out} of {len(test)} held-out pictures"
        notes.append(f"{who} are copies of training pictures: what is measured on them says little")
    return notes


def check_variety(source: str, *splits: Images) -> None:
    """Raises UserError when all pictures, uint8 [N, C, H, W] each, are the same."""
    first = next(images[:1] for images in splits if len(images))
    if all(bool((part == first).all()) for images in splits for part in images.split(1000)):
        raise UserError(f"All {sum(map(len, splits))} pictures of {source} are the same; there is nothing to learn "
                        "from them.")  # fmt: skip


def check_count(source: str, scan: Scan, train: int, held_out: int) -> None:
    """Raises UserError for too few pictures: readable ones, or those of both splits that are kept, as they have a label
    that is trained on, or training pictures among them."""
    bad = f" ({len(scan.bad)} unreadable, first {scan.bad[0]})" if scan.bad else ""
    if scan.read < LEAST_PICTURES:
        raise UserError(f"{source} has {scan.read} readable pictures{bad}; at least {LEAST_PICTURES} are needed.")
    kept = train + held_out
    if kept < LEAST_PICTURES:
        raise UserError(f"{source} has {kept} pictures with a label, of {scan.read}; at least {LEAST_PICTURES} are "
                        "needed. --no-classes trains on all.")  # fmt: skip
    if train < LEAST_TRAINING_PICTURES:
        raise UserError(f"{source} has {train} training pictures that can be used, beside {held_out} held-out ones"
                        f"{bad}; at least {LEAST_TRAINING_PICTURES} are needed.")  # fmt: skip
