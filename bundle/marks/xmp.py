"""A mark as a block of XMP (ISO 16684-1), and back.

Written with a template: its few fields would not be worth a library, the page's script fills in the same one, and the
bytes are the same every time. Read by looking for the block in the file's bytes, which is how XMP is meant to be found
where nobody knows the format ("packet scanning"): one way for PNG, WebP, GIF, MP4 and whatever else keeps it as it is.
"""

import json
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from pydantic import ValidationError

from bundle.marks.mark import COMPOSITE, TRAINED, Mark
from bundle.one_line import one_line
from bundle.version import VERSION

TOOL = f"Twofold {VERSION}"
LONGEST = 1700  # bytes of a block that is written: with what a format adds, 2 kB; not for favourites
LONGEST_FAVOURITES = 48_000  # bytes of one that holds favourites, each with its state
LONGEST_READ = 64_000  # bytes of one that is read
MOST_BLOCKS = 16  # that are looked at
SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
RDF, IPTC, XMP = (
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "http://ns.adobe.com/xap/1.0/",
)
OWN = "http://ns.twofold/mark/1.0/"
TEMPLATE = f"""\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">
<rdf:Description rdf:about="" xmlns:xmp="{XMP}" xmlns:Iptc4xmpExt="{IPTC}" xmlns:twofold="{OWN}"
 Iptc4xmpExt:DigitalSourceType="{SOURCES}{{source}}" xmp:CreatorTool="{{tool}}"
 twofold:bundle="{{bundle}}" twofold:sha256="{{sha256}}">
<twofold:state>{{state}}</twofold:state>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""
BEGINS, ENDS = b"<x:xmpmeta", b"</x:xmpmeta>"


@dataclass(frozen=True)
class XmpReading:
    """What the blocks of XMP in a file say. `mark`: of Twofold, or of another tool by the same words of IPTC; `source`:
    IPTC's word for its source, whatever it is, "" without one. `tool`: what wrote it. `long`, `torn`: whether a block
    was too long to be read, or is no XML."""

    mark: Mark | None = None
    source: str = ""
    tool: str = ""
    long: bool = False
    torn: bool = False


def page_facts() -> dict[str, str]:
    """What the page's script fills in when it marks a picture itself."""
    return {"template": TEMPLATE, "tool": TOOL}


def state_text(mark: Mark) -> str:
    """The state as compact JSON; "" without one."""
    return json.dumps(mark.state, ensure_ascii=False, separators=(",", ":")) if mark.state else ""


def block(mark: Mark) -> bytes:
    """The mark as a block, at most LONGEST bytes, or LONGEST_FAVOURITES: a state that does not fit is left out."""
    whole = _filled(mark)
    favourites = (mark.state or {}).get("draw") == "favourites"
    return (
        whole
        if len(whole) <= (LONGEST_FAVOURITES if favourites else LONGEST)
        else _filled(mark.model_copy(update={"state": None}))
    )


def core(mark: Mark) -> str:
    """The block without its wrapper, which only scanners for lost blocks need: for code that people paste."""
    text = block(mark).decode()
    return text[text.index(BEGINS.decode()) : text.index(ENDS.decode()) + len(ENDS)]


def _filled(mark: Mark) -> bytes:
    values = {"source": mark.source, "tool": TOOL, "bundle": mark.bundle or "", "sha256": mark.sha256 or ""}
    escaped = {name: escape(text, {'"': "&quot;"}) for name, text in values.items()}
    return TEMPLATE.format(**escaped, state=escape(state_text(mark))).encode()


# --- reading, of files that may be a stranger's ----------------------------------------------------


def read(data: bytes) -> XmpReading:
    """What the blocks in a file's bytes say; of several with a source, the first."""
    found, at = XmpReading(), 0
    for _ in range(MOST_BLOCKS):
        begin = data.find(BEGINS, at)
        if begin < 0:
            break
        end = data.find(ENDS, begin, begin + LONGEST_READ)
        if end < 0:
            found = XmpReading(long=len(data) - begin > LONGEST_READ, torn=len(data) - begin <= LONGEST_READ)
            at = begin + len(BEGINS)
            continue
        at = end + len(ENDS)
        one = _parsed(data[begin:at])
        if one.source:
            return one
        found = one if one.torn else found
    return found


def _parsed(text: bytes) -> XmpReading:
    if b"<!" in text:  # a document type, which may define entities that grow without end
        return XmpReading(torn=True)
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return XmpReading(torn=True)
    values: dict[str, str] = {}
    for node in root.iter(f"{{{RDF}}}Description"):
        values |= dict(node.attrib)
        values |= {child.tag: child.text or child.attrib.get(f"{{{RDF}}}resource", "") for child in node}
    # What is printed becomes one line: anybody can write a mark.
    source = one_line(values.get(f"{{{IPTC}}}DigitalSourceType", "")).removeprefix(SOURCES)[:100]
    tool = one_line(values.get(f"{{{XMP}}}CreatorTool", ""))[:100]
    own = {name: values.get(f"{{{OWN}}}{name}", "") for name in ("bundle", "sha256", "state")}
    if source not in (TRAINED, COMPOSITE):
        return XmpReading(source=source, tool=tool)
    try:
        state = _state(own["state"])
        bundle, sha256 = one_line(own["bundle"])[:64] or None, own["sha256"][:64] or None
        return XmpReading(Mark(source=source, bundle=bundle, sha256=sha256, state=state), source, tool)
    except ValidationError:
        return XmpReading(source=source, tool=tool, torn=True)


def _state(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
