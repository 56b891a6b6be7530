"""Reads and writes the fields of protobuf messages (https://protobuf.dev/programming-guides/encoding/).

The package onnx would do the same for ONNX files, but weighs as much as everything else that serving needs.
"""

from collections.abc import Callable, Iterator, Mapping

Value = int | bytes  # of a field: a number, or the bytes of a text or message
Fields = Iterator[tuple[int, Value]]

FIXED_LENGTHS = {1: 8, 5: 4}  # bytes of a value, by its kind


def fields(data: Value) -> Fields:
    """The fields of one message: number, and a whole number or the bytes. ValueError where the bytes are none."""
    return ((number, value) for number, value, _ in _fields(data))


def rewritten(message: bytes, change: Mapping[int, Callable[[bytes], bytes]]) -> bytes:
    """A message with some of its fields changed, by their numbers; the others stay byte for byte."""
    parts = []
    for number, value, place in _fields(message):
        changed = change[number](value) if number in change and isinstance(value, bytes) else value
        parts.append(message[place] if changed == value else field(number, changed))
    return b"".join(parts)


def field(number: int, value: Value) -> bytes:
    """One field as it stands in a message."""
    if isinstance(value, int):
        return _written_varint(number << 3) + _written_varint(value)
    return _written_varint(number << 3 | 2) + _written_varint(len(value)) + value


def whole_number(value: Value) -> int:
    """The number. ValueError for bytes."""
    if not isinstance(value, int):
        raise ValueError("a text in place of a number")
    return value


def int64(value: Value) -> int:
    """The number of a field that may be negative, which is stored as its complement to 2**64. ValueError for bytes."""
    number = whole_number(value)
    return number - 2**64 if number >= 2**63 else number


def text(value: Value) -> str:
    """The text. ValueError for a number, and for bytes that are no UTF-8."""
    if not isinstance(value, bytes):
        raise ValueError("a number in place of a text")
    return value.decode("utf-8")


def packed(data: bytes) -> list[int]:
    """Whole numbers in a row."""
    numbers, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        numbers.append(value)
    return numbers


def _fields(data: Value) -> Iterator[tuple[int, Value, slice]]:
    """The fields of one message, each with the place where it is written."""
    if not isinstance(data, bytes):
        raise ValueError("a number in place of a message")
    at, end = 0, len(data)
    while at < end:
        start = at
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value, slice(start, at)
            continue
        length = FIXED_LENGTHS.get(kind)
        if kind == 2:
            length, at = _varint(data, at)
        if length is None or at + length > end:
            raise ValueError("not a protobuf message")
        yield number, data[at : at + length], slice(start, at + length)
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place after it."""
    if at < len(data) and data[at] < 128:  # nearly all: files of many operators are read at each start of the server
        return data[at], at + 1
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number without an end")


def _written_varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
