"""How much a visitor may bring to Make, and train."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MakeLimits:
    """`bytes`: of all pictures of a project; `upload_bytes`: of one file; `pictures`: of a project; `minutes`: of a
    training; `projects`: at the same time; `own_machine`: whether the machine belongs to whoever sits at it, who may
    name its folders and data sets of the Hub."""

    bytes: int
    upload_bytes: int
    pictures: int
    minutes: float
    projects: int
    own_machine: bool = False


OWN_MACHINE = MakeLimits(10_000_000_000, 2_000_000_000, 200_000, 24 * 60, 200, own_machine=True)
"""For the person whose machine it is."""

ANYONE = MakeLimits(300_000_000, 200_000_000, 5_000, 60, 4)
"""For visitors from elsewhere (--make anyone)."""

LEAST_PICTURES = 20
"""Below this nothing can be trained."""

LEAST_FOR_A_GAN = 50
"""Below this no GAN is trained; up to a hundred it mostly repeats its pictures."""


def too_few(count: int) -> str:
    """What to say of fewer than LEAST_PICTURES."""
    return f"Too few pictures: {count}; at least {LEAST_PICTURES} are needed."
