"""What an avatar of DiceBear shows, as columns of numbers: read from the choices behind it, not from the picture.

0 or 1: glasses, sunglasses (which are glasses too), beard (or moustache), smile, open_mouth, closed_eyes (0.5: a wink),
hat, hair (0: bald), long_hair (below the mouth). Colours are numbers of Oklab, where equal steps look alike: lightness
from 0 to 1, red (against green) and yellow (against blue) around 0; hue would not do, being a circle that black is not
on. A column is empty where a style does not have such a thing, or where a hat or dark glasses hide it.
"""

# Attribute -> the component that shows it, and its variants that do (*: any).
SHOWN = {
    "personas": {
        "glasses": "eyes: glasses sunglasses",
        "sunglasses": "eyes: sunglasses",
        "beard": "facialHair: *",
        "smile": "mouth: bigSmile smile smirk",
        "open_mouth": "mouth: bigSmile surprise",
        "closed_eyes": "eyes: happy sleep",
        "wink": "eyes: wink",
        "hat": "hair: beanie cap",
        "bald": "hair: bald",
        "long_hair": "hair: bobBangs bobCut curly extraLong long sideShave",
    },
    "toon-head": {
        "beard": "beard: *",
        "smile": "mouth: laugh smile",
        "open_mouth": "mouth: agape angry laugh",
        "closed_eyes": "eyes: bow humble",
        "wink": "eyes: wink",
        "bald": "hair:",
        "long_hair": "rearHair: *",
    },
    "micah": {
        "glasses": "glasses: *",
        "beard": "facialHair: *",
        "smile": "mouth: laughing smile smirk",
        "open_mouth": "mouth: laughing nervous surprised",
        "closed_eyes": "eyes: smiling smilingShadow",
        "hat": "hair: turban",
        "bald": "hair: dougFunny mrClean",
        "long_hair": "hair: dannyPhantom full pixie",
    },
    "open-peeps": {
        "glasses": "accessories: *",
        "sunglasses": "accessories: sunglasses sunglasses2",
        "beard": "facialHair: *",
        "smile": "expression: awe calm cheeky contempt cute driven lovingGrin1 lovingGrin2 smile smileBig smileLOL "
        "smileTeethGap",
        "open_mouth": "expression: concerned concernedFear explaining hectic lovingGrin1 lovingGrin2 rage smileBig "
        "smileLOL smileTeethGap",
        "closed_eyes": "expression: calm cheeky concernedFear contempt eatingHappy eyesClosed smileBig smileLOL",
        "hat": "head: hatBeanie hatHip hijab turban",
        "bald": "head: noHair1 noHair2 noHair3",
        "long_hair": "head: bangs bangs2 cornrows cornrows2 dreads1 long longBangs medium1 medium2 medium3 mediumBangs "
        "mediumBangs2 mediumBangs3 mediumStraight",
        "dyed": "head: bangs cornrows grayBun grayMedium grayShort mediumBangs2 mohawk mohawk2 short4",
    },
}
COLOURS = {
    "personas": {"skin": "skin", "hair": "hair", "clothes": "clothing"},
    "toon-head": {"skin": "skin", "hair": "hair", "clothes": "clothes"},
    "micah": {"skin": "base", "hair": "hair", "clothes": "shirt"},
    "open-peeps": {"skin": "skin", "hair": "ink", "dyed": "headContrast", "clothes": "clothing"},
}
YES_OR_NO = ("glasses", "sunglasses", "beard", "smile", "open_mouth", "closed_eyes", "hat", "hair", "long_hair")
TINTS = tuple(f"{part}_{axis}" for part in ("skin", "hair", "clothes") for axis in ("lightness", "red", "yellow"))
COLUMNS = (*YES_OR_NO, *TINTS)


def oklab(colour: str) -> tuple[float, float, float]:
    """#rrggbb -> lightness, red, yellow (Ottosson 2020, A perceptual color space for image processing)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    l = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    m = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    s = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
        1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
        0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
    )


def shows(style: str, attribute: str, options: dict) -> bool | None:
    """Whether the choices show an attribute; None where the style never tells."""
    if (where := SHOWN.get(style, {}).get(attribute)) is None:
        return None
    part, _, variants = where.partition(":")
    chosen = options.get(f"{part}Variant")
    return chosen is not None and (variants.strip() == "*" or chosen in variants.split())


def attributes(style: str, options: dict) -> dict[str, str]:
    """Column -> number, of the options that DiceBear reports; a column that is not told is not there."""
    told = {name: shows(style, name, options) for name in (*YES_OR_NO, "bald", "wink", "dyed")}
    told["hair"] = None if told["bald"] is None else not told["bald"]
    values = {name: float(yes) for name in YES_OR_NO if (yes := told[name]) is not None}
    if told["wink"]:
        values["closed_eyes"] = 0.5
    if told["sunglasses"]:
        del values["closed_eyes"]
    for part in ("skin", "hair", "clothes"):
        name = COLOURS.get(style, {}).get("dyed" if part == "hair" and told["dyed"] else part)
        if (colours := options.get(f"{name}Color")) and (part != "hair" or told["hair"]):
            axes = zip(("lightness", "red", "yellow"), oklab(colours[0]), strict=True)
            values |= {f"{part}_{axis}": round(value, 3) + 0.0 for axis, value in axes}
    if told["hat"]:
        values = {name: value for name, value in values.items() if not name.startswith(("hair", "long_hair"))}
    return {name: f"{value:g}" for name, value in values.items()}
