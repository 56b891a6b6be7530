"""The page in other languages: English is the key, static/words/<language>/<script>.json has the others."""

import json
from pathlib import Path

STATIC = Path(__file__).resolve().parent / "static"


def words(*names: str) -> dict[str, dict[str, str]]:
    """For each language but English, the words in it of these scripts: those of words/<language>/<name>.json."""
    tables: dict[str, dict[str, str]] = {}
    for name in names:
        for path in sorted(STATIC.glob(f"words/*/{name}.json")):
            tables.setdefault(path.parent.name, {}).update(json.loads(path.read_text(encoding="utf-8")))
    return tables


def words_script(tables: dict[str, dict[str, str]]) -> str:
    """A script that puts the words where T.t of core.js finds them."""
    home = "((window.TwofoldWords ??= {{}})[{}] ??= {{}})"
    return "".join(
        f"Object.assign({home.format(json.dumps(language))}, {json.dumps(table, ensure_ascii=False)});\n"
        for language, table in tables.items()
    )
