"""What to know about a set of pictures before it is trained on, in sentences."""

from collections.abc import Mapping, Sequence

from demo.make.classes import LEAST_OF_CLASS, class_counts, learned_classes
from demo.make.limits import LEAST_FOR_A_GAN, LEAST_PICTURES, too_few
from demo.make.projects import Project

MANY_DUPLICATES = 0.25  # of the pictures


def advice(project: Project, files: Sequence[str], flags: Mapping[str, Sequence[str]]) -> list[str]:
    """Sentences about the pictures of a project, the most important first. `files`: all of them; `flags`: what a survey
    found about some (demo/make/survey.py)."""
    left_out = set(project.left_out)
    kept = [file for file in files if file not in left_out]
    counts = class_counts(project, kept)
    learned = learned_classes(project, counts)
    count = sum(counts[name] for name in learned) if learned else len(kept)
    alike = sum("near_duplicate" in flags.get(file, ()) for file in kept)
    return [*about_count(count), *about_near_duplicates(len(kept), alike), *about_classes(project, counts, learned)]


def about_count(count: int) -> list[str]:
    """Whether there are enough to learn from."""
    if count < LEAST_PICTURES:
        return [too_few(count)]
    if count < (few := LEAST_FOR_A_GAN):
        return [
            f"{count} pictures are too few for a GAN, so only the VAE is trained; from {few} on a GAN is too.",
            "More photographs of the same thing help most, from several sides and on the same background.",
        ]
    return []


def about_near_duplicates(count: int, alike: int) -> list[str]:
    """Whether they differ. `alike`: how many look like an earlier one."""
    if count > 1 and alike == count - 1:
        return ["All of these pictures look the same: there is nothing to learn from them. Bring different ones."]
    if alike > MANY_DUPLICATES * count:
        return [f"{alike} of {count} pictures look like another one: the models will repeat them. Leave them out."]
    return []


def about_classes(project: Project, counts: Mapping[str, int], learned: Sequence[str]) -> list[str]:
    """What classes lack. `counts`: of the chosen pictures, those without a class under ""."""
    named = {name: count for name, count in counts.items() if name}
    if not project.use_classes or not named:
        return []
    said = []
    for name, count in named.items():
        if not count:
            said.append(f"The class {name} has no picture, so it is not learned: put pictures into it, or delete it.")
        elif count < LEAST_OF_CLASS and learned:
            said.append(f"The class {name} has one picture only, so it is not learned: two are needed at least.")
    if not learned and (len(named) > 1 or counts.get("")):
        said.append("All are learned without classes: these need two names or more, with two pictures each at least.")
    if learned and (alone := counts.get("", 0)):
        said.append(f"Not learned from, as they are in no class: {alone}. Sort them, or switch classes off.")
    return said
