"""The page's scripts outside a page: run by Node, with as little of a browser as they ask for while they load."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

STATIC = Path(__file__).resolve().parents[2] / "demo" / "static"
# argv: scripts; stdin: the body of a function of T, which may wait; stdout: what it returns, as JSON. `clock` is the
# time of performance.now(), `events` those that the document got.
HARNESS = """
import { readFileSync } from "node:fs";
const clock = { now: 1000 };
const events = [];
const T = { t: (text, values = {}) => text.replace(/\\{(\\w+)\\}/g, (_, name) => values[name]) };
globalThis.window = { Twofold: T };
globalThis.document = { dispatchEvent: (event) => events.push(event.type) };
Object.defineProperty(globalThis, "performance", { value: { now: () => clock.now } });
T.oncePerTask = (action) => {
    let asked = false;
    return () => {
        if (!asked) queueMicrotask(() => { asked = false; action(); });
        asked = true;
    };
};
T.n = (count, one, many, values) => T.t(count === 1 ? one : many, { n: count, ...values });
Object.assign(T, { debounced: (action, ms) => () => setTimeout(action, 0), remember: () => events.push("remember") });
for (const file of process.argv.slice(2)) (0, eval)(readFileSync(file, "utf8"));
let code = "";
for await (const part of process.stdin) code += part;
const run = new (async () => {}).constructor("T", "clock", "events", code);
const value = await run(T, clock, events).catch((error) => ({ error: error.message }));
console.log(JSON.stringify(value, (_, v) => (ArrayBuffer.isView(v) ? Array.from(v) : v)));
"""


class Scripts:
    """Evaluates JavaScript in which T has what these scripts of demo/static put there."""

    def __init__(self, folder: Path, *names: str):
        program = shutil.which("node")
        if program is None:
            pytest.skip("Node.js is not installed (apt install nodejs)")
        harness = folder / "harness.mjs"
        harness.write_text(HARNESS, encoding="utf-8")
        self.command = [program, str(harness), *(str(STATIC / name) for name in names)]

    def __call__(self, code: str, **values: Any) -> Any:
        """What `code`, the body of a function, returns; `values` are constants in it."""
        given = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in values.items())
        done = subprocess.run(self.command, input=given + code, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
