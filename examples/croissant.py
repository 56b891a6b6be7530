"""A drawn set described as Croissant (mlcommons.org/croissant), which search engines and loaders of data sets read.

The file lies beside the pictures and the table: what both hold, whose they are, under which licences. It is written and
checked with `mlcroissant`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bundle.version import VERSION

FILE, TABLE = "croissant.json", "metadata.csv"
FILES, TABLE_ROWS = "files", "rows"  # the two sets of records


@dataclass(frozen=True)
class SetDescription:
    """A set in words. `creators`: names and addresses; `licences`: addresses; `columns`: of numbers in the table, after
    file_name and `label`, the column of the classes."""

    name: str
    description: str
    address: str
    creators: Mapping[str, str]
    licences: Sequence[str]
    label: str
    columns: Sequence[str]


def described(folder: Path, about: SetDescription) -> bytes:
    """The description of the set in `folder`, which has its table already. Raises mlcroissant's ValidationError for one
    that is not Croissant."""
    import mlcroissant as mlc

    def of_files(name: str, kind: str, taken: str) -> mlc.Field:
        source = mlc.Source(file_set="png", extract=mlc.Extract(file_property=taken))
        return mlc.Field(id=f"{FILES}/{name}", name=name, data_types=kind, source=source)

    def of_table(name: str, kind: str) -> mlc.Field:
        source = mlc.Source(file_object=TABLE, extract=mlc.Extract(column=name))
        return mlc.Field(id=f"{TABLE_ROWS}/{name}", name=name, data_types=kind, source=source)

    text, number, image = mlc.DataType.TEXT, mlc.DataType.FLOAT, mlc.DataType.IMAGE_OBJECT
    folders = ["train/*/*.png", "test/*/*.png"]
    table_sum = hashlib.sha256((folder / TABLE).read_bytes()).hexdigest()
    metadata = mlc.Metadata(
        name=about.name,
        description=about.description,
        url=about.address,
        version=VERSION,
        license=list(about.licences),
        creators=[mlc.Person(name=name, url=address or None) for name, address in about.creators.items()],
        distribution=[
            mlc.FileObject(id=TABLE, name=TABLE, content_url=TABLE, encoding_formats=["text/csv"], sha256=table_sum),
            mlc.FileSet(id="png", name="png", encoding_formats=["image/png"], includes=folders),
        ],
        record_sets=[
            mlc.RecordSet(
                id=FILES,
                name=FILES,
                fields=[of_files("file_name", text, "fullpath"), of_files("image", image, "content")],
            ),
            mlc.RecordSet(
                id=TABLE_ROWS,
                name=TABLE_ROWS,
                fields=[
                    of_table("file_name", text),
                    of_table(about.label, text),
                    *(of_table(name, number) for name in about.columns),
                ],
            ),
        ],
    )
    return json.dumps(metadata.to_json(), indent=1, ensure_ascii=False).encode()
