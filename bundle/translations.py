"""Sentences in other languages. English is the key; a folder holds a JSON table for each language and each script.

words/zh-CN/play.json    {"Draw another": "换一张", …}
"""

import json
from pathlib import Path


def tables(folder: Path, *names: str) -> dict[str, dict[str, str]]:
    """For each language but English, the sentences of these scripts: {"zh-CN": {"English": "translated"}}."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        for path in sorted(folder.glob(f"*/{name}.json")):
            found.setdefault(path.parent.name, {}).update(json.loads(path.read_text(encoding="utf-8")))
    return found


def script(languages: dict[str, dict[str, str]]) -> str:
    """A JavaScript that puts the tables where `T.t` of language.js looks for them."""
    home = "((window.TwofoldWords ??= {{}})[{}] ??= {{}})"
    return "".join(
        f"Object.assign({home.format(json.dumps(language))}, {json.dumps(table, ensure_ascii=False)});\n"
        for language, table in languages.items()
    )
