"""Make in the page: files on their way to a server that comes and goes, and what was dropped."""

import pytest

from tests.support.page_scripts import Scripts

PIECE = 4_000_000
# A server that has `lost` answers to lose; requests are told as [at, size].
SERVER = """
globalThis.setTimeout = (action, ms) => { waits.push(ms); queueMicrotask(action); };
const waits = [], requests = [], steps = [];
T.makeHeaders = {};
T.url = (path, params) => ({ path, ...params });
T.ask = async ({ at, of }, { body }) => {
  requests.push([at, body.byteLength]);
  if (lost.length && lost.shift()) throw new Error("no answer");
  const received = at + body.byteLength;
  return { json: async () => (received < of ? { received } : { received, stored: 1, tables: 0, refused: {} }) };
};
const send = (file) => T.sendFile("p", { file, name: "a.png" }, (n) => steps.push(n), () => steps.push("waits"));
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Scripts:
    return Scripts(tmp_path_factory.mktemp("node"), "core/elements.js", "tabs/make/files.js")


def test_a_file_goes_in_pieces_and_on_after_lost_answers(page: Scripts):
    code = (
        SERVER
        + "const answer = await send(new Blob([new Uint8Array(size)])); return { answer, requests, steps, waits };"
    )
    found = page(code, lost=[False, True, True, False], size=PIECE + 10)
    assert found["requests"] == [[0, PIECE], [PIECE, 10], [PIECE, 10], [PIECE, 10]]
    assert found["steps"] == [PIECE, "waits", "waits", 10] and found["answer"]["stored"] == 1
    assert found["waits"] == [500, 1000]


def test_a_server_that_stays_away_is_given_up_after_a_minute(page: Scripts):
    code = (
        SERVER
        + "try { await send(new Blob(['x'])); } catch (gone) { return [gone.message, waits.reduce((a, b) => a + b)]; }"
    )
    assert page(code, lost=[True] * 99) == ["no answer", 63_500]


def test_a_refusal_is_not_asked_for_twice(page: Scripts):
    code = """
    T.ask = async () => { requests.push(1); throw Object.assign(new Error("too large"), { status: 400 }); };
    try { await send(new Blob(["x"])); } catch (refused) { return [refused.message, requests.length]; }
    """
    assert page(SERVER + code, lost=[]) == ["too large", 1]


def test_a_file_that_cannot_be_read_is_left_out_and_nothing_is_asked(page: Scripts):
    code = "const gone = { size: 9, slice: () => ({ arrayBuffer: async () => { throw new Error('NotFound'); } }) };"
    found = page(SERVER + code + "return [await send(gone), requests];", lost=[])
    assert found == [{"stored": 0, "tables": 0, "refused": {"cannot be read": 1}}, []]


def test_what_cannot_be_read_of_a_dropped_folder_costs_the_rest_nothing(page: Scripts):
    code = """
    const answer = (value) => (found, failed) => (value ? found(value) : failed(new Error()));
    const file = (name, reads) => ({ isFile: true, fullPath: "/d/" + name, file: answer(reads && { name }) });
    const folder = (fullPath, ...lists) => ({
      fullPath,
      createReader: () => ({ readEntries: (...then) => answer(lists.shift())(...then) }),
    });
    const root = folder("/d", [file("a", true), file("b", false), folder("/d/closed"), file("c", true)], []);
    const found = await T.droppedFiles({ items: [{ webkitGetAsEntry: () => root }], files: [] });
    return found.map(({ file, name }) => [name, file?.name ?? null]);
    """
    assert page(code) == [["d/a", "a"], ["d/b", None], ["d/closed", None], ["d/c", "c"]]


def test_who_asks_for_the_same_while_it_is_under_way_shares_it(page: Scripts):
    code = """
    let made = 0;
    const make = T.oneAtATime(async () => { made += 1; const mine = made; await null; return mine; });
    return [await Promise.all([make(), make()]), await make()];
    """
    assert page(code) == [[1, 1], 2]
