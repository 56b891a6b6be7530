// Code that draws the picture on screen without this page: onnxruntime in Python and JavaScript, gradio_client, curl.
(() => {
  const T = window.Twofold;

  const quoted = JSON.stringify; // JSON strings are valid in Python and JavaScript

  // The seeds around a point, each with its share as text; a single seed where the point is exactly on it.
  const corners = ({ x, y }) => {
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const [u, v] = [x - left, y - top].map((n) => Number(n.toFixed(4)));
    const rest = (n) => Number((1 - n).toFixed(4));
    const all = [0, 1].flatMap((j) => [0, 1].map((i) => [T.seedAt(left + i, top + j), `${i ? u : rest(u)} * ${j ? v : rest(v)}`]));
    return u === 0 && v === 0 ? all.slice(0, 1) : all;
  };

  // The classes of a state and their shares, as Python's lists; null where it has no mix.
  const mixed = (state) => {
    const shares = T.mixOf(state);
    return shares && { classes: `[${Object.keys(shares).join(", ")}]`, shares: `[${Object.values(shares).map(Number).join(", ")}]` };
  };

  const blended = (seeds, name) => `\
# between four seeds: their mean, as long as they are on average
shares = np.array([${seeds.map(([, share]) => share).join(", ")}])
keys = ${name}
z = shares @ keys
z = (z * (shares @ np.linalg.norm(keys, axis=1) / np.linalg.norm(z))).astype("f4")`;
  const several = (draw, seeds) => `np.stack([${draw}(seed) for seed in (${seeds.map(([seed]) => seed).join(", ")})])`;

  const PRIORS = {
    normal: "",
    uniform: `
z = np.vectorize(math.erf)(z.astype(float) / 2**0.5).astype("f4")  # the noise is uniform`,
    truncated: `
spread = np.vectorize(math.erf)(z.astype(float) / 2**0.5) * math.erf(2**0.5)
z = np.vectorize(NormalDist().inv_cdf)(0.5 + 0.5 * spread).astype("f4")  # the noise ends at 2`,
  };

  // Lines that move a latent along the attributes and own directions of the state; none where it moves along none.
  const pythonMoves = (state, bundle, latent, array) =>
    Object.entries(state.attributes ? T.readMoves(state.attributes) : {}).map(([name, move]) => {
      if (typeof move === "object") return `${latent} = (${latent} + ${move.amount} * direction(${quoted(move.vector)})).astype("f4")  # ${name}`;
      const i = bundle.attributes.findIndex((attribute) => attribute.name === name);
      return `${latent} = ${latent} + np.float32(${move}) * load("latents.npz")["${array}"][${i}]  # ${name}`;
    });

  // Lines that bend the style w, [1, L, D], as bundle/bend.py does; none where nothing is bent. noise: lines that bring a
  // latent to the generator's prior; classes: as the mapping takes them; middle: the mean style.
  const pythonBend = (state, noise, classes, middle) => {
    const bends = T.readMoves(state.bend);
    const { seed = 0, ...numbers } = bends;
    const stages = {};
    for (const [name, value] of Object.entries(numbers)) {
      const [stage, knob] = name.split(".");
      (stages[stage] ??= []).push(`${knob}=${value}`);
    }
    if (!Object.keys(stages).length) return [];
    const indented = noise ? `\n    ${noise.replaceAll("\n", "\n    ")}` : "";
    const calls = Object.entries(stages).map(([stage, given]) => `bend(${stage - 1}, ${given.join(", ")})`);
    return [
      `
def apart(seed):  # how far the style of a seed is from the mean
    z = noise(seed)${indented}
    return run("mapping", "w", z=z[None]${classes})[0].astype(float) - mean

mean = (${middle}).astype(float)
other, turn = apart(${3_000_000_000 + 2 * seed}), apart(${3_000_000_001 + 2 * seed})

def bend(stage, scale=1, shift=0, rotate=0, noise=0):  # stages from 0
    style, angle, size = scale * (w[0, stage] - mean), np.radians(rotate), w.shape[2]
    across = turn[stage] - turn[stage] @ style / max(style @ style, 1e-12) * style
    across *= np.linalg.norm(style) / np.linalg.norm(across)
    draw = np.random.Generator(np.random.PCG64(${3_500_000_000 + 16 * seed} + stage)).standard_normal(size).astype("f4")
    grain = noise * np.linalg.norm(other[stage]) / size**0.5 * draw.astype(float)
    w[0, stage] = mean + np.cos(angle) * style + np.sin(angle) * across + shift * other[stage] + grain
`,
      ...calls,
    ];
  };

  // Lines that run a generator that was exported elsewhere: its own names, types, order and range (bundle/adapter.py).
  const adapted = (adapter, state) => {
    const rows = adapter.batch ?? 1;
    const tuple = (sizes) => `(${sizes.map((size) => `${size === "batch" ? rows : size}, `).join("")})`;
    const feed = [[adapter.z, `z.reshape(1, ${adapter.z_shape.join(", ")}).repeat(${rows}, 0).astype("${adapter.z_type}")`]];
    if (adapter.classes) {
      const { name, type, form, shape } = adapter.classes;
      const mix = mixed(state);
      const rows = `np.eye(${shape[shape.length - 1]})`;
      const number = form === "number" ? state.c : mix ? `${mix.shares} @ ${rows}[${mix.classes}]` : `${rows}[${state.c}]`;
      feed.push([name, `np.full(${tuple(["batch", ...shape])}, ${number}, "${type}")`]);
    }
    for (const { name, type, shape, value } of adapter.fixed) {
      const sizes = shape.filter((size) => size !== "batch");
      const noise = `np.random.default_rng(0).standard_normal(${tuple(sizes)})`;
      const number = value === "normal" ? noise : Array.isArray(value) ? `np.reshape(${quoted(value)}, ${tuple(sizes)})` : value;
      feed.push([name, `np.full(${tuple(shape)}, ${number}, "${type}")`]);
    }
    const lines = [`feed = {${feed.map(([name, array]) => `${quoted(name)}: ${array}`).join(", ")}}`, `image = run("generator", ${quoted(adapter.image)}, **feed)[0].astype("f4")`];
    if (adapter.layout === "NHWC") lines.push("image = image.transpose(2, 0, 1)");
    if (adapter.layout === "NHW") lines.push("image = image[None]");
    if (adapter.values === "-1..1") lines.push("image = image * 0.5 + 0.5");
    if (adapter.values === "0..255") lines.push("image = image / 255");
    return [...lines, "image = image.clip(0, 1)"];
  };

  const pythonGan = (state, bundle) => {
    const { latent_dim: dim, prior, styled, adapter } = bundle.latent_facts.gan;
    const seeds = corners(state);
    const count = bundle.classes.length;
    const lines = [
      `def noise(seed):
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(${dim}).astype("f4")
`,
      seeds.length === 1 ? `z = noise(${seeds[0][0]})` : blended(seeds, `${several("noise", seeds)}.astype(float)`),
    ];
    const mix = mixed(state);
    const rows = `np.eye(${count}, dtype="f4")[${mix ? mix.classes : `[${state.c}]`}]`;
    const classes = count ? `, classes=${mix ? `np.float32([${mix.shares}]) @ ` : ""}${rows}` : "";
    const truncated = state.t === 1 ? "" : `z = z * np.float32(${state.t})  # truncation\n`;
    const noise = PRIORS[prior].slice(1);
    if (!styled) {
      lines.push(truncated.trim(), ...pythonMoves(state, bundle, "z", ""), noise);
      return [...lines, ...(adapter ? adapted(adapter, state) : [`z = z.reshape(1, ${dim})`, `image = run("generator", "image", z=z${classes})[0]`])];
    }
    lines.push(noise, `w = run("mapping", "w", z=z[None]${classes})`);
    const means = `load("latents.npz")["w_mean"]`;
    const middle = mix ? `np.float32(${mix.shares}) @ ${means}[${mix.classes}]` : `${means}[${state.c ?? 0}]`;
    if (state.t !== 1) {
      lines.push(`middle = ${middle}`, `w = middle + ${state.t} * (w - middle)  # truncation`);
    }
    lines.push(...pythonBend(state, noise, classes, middle));
    return [...lines, ...pythonMoves(state, bundle, "w", "attribute_w"), `image = run("synthesis", "image", w=w)[0]`];
  };

  const pythonVae = (state, bundle) => {
    const seeds = corners(state);
    const one = seeds.length === 1;
    const step = `${state.t === 1 ? "" : `${state.t} * `}(latents["mixture_cholesky"][i].astype(float) @ noise)`;
    const mix = mixed(state);
    const ofClass = `latents["mixture_weights"].astype(float)${state.c === null ? "" : ` * latents["mixture_classes"][:, ${state.c}]`}`;
    const chance = mix ? `(joint / joint.sum(0))[:, ${mix.classes}] @ ${mix.shares}` : ofClass;
    return [
      `latents = load("latents.npz")`,
      mix ? `joint = latents["mixture_weights"].astype(float)[:, None] * latents["mixture_classes"]` : "",
      `chance = ${chance}`,
      `reach = np.cumsum(chance / chance.sum())

def code(seed):  # a draw from the fitted mixture
    draw = np.random.Generator(np.random.PCG64(seed))
    noise, i = draw.standard_normal(${bundle.latent_facts.vae.latent_dim}), np.searchsorted(reach, draw.random(), side="right")
    return (latents["mixture_means"][i] + ${step}).astype("f4")
`,
      one ? `z = code(${seeds[0][0]})` : `mean, std = latents["code_mean"], latents["code_std"]`,
      one ? "" : blended(seeds, `((${several("code", seeds)} - mean) / std).astype(float)`),
      one ? "" : `z = (z * std + mean).astype("f4")`,
      ...pythonMoves(state, bundle, "z", "attribute_code"),
      `image = run("decoder", "image", z=z[None])[0]`,
    ];
  };

  // Functions that the code has where it calls them.
  const LOAD = `def load(file):
    return np.load(io.BytesIO(urlopen(home + file).read()))

`;
  const DIRECTION = `def direction(text):  # one standard deviation along a saved direction: its unit, then a byte for each number
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return np.frombuffer(data, "<f4", 1, 4) * np.frombuffer(data, "i1", offset=8)

`;

  // A text as Python writes it: a string for each line.
  const lines = (text) =>
    text
      .split("\n")
      .map((line, i, all) => `    ${quoted(i < all.length - 1 ? `${line}\n` : line)}`)
      .join("\n");

  const python = (state, bundle, home) => {
    const body = (state.m === "vae" ? pythonVae : pythonGan)(state, bundle).filter(Boolean).join("\n");
    const uses = (word) => body.includes(word);
    return `${uses("direction(") ? "import base64\n" : ""}${uses("load(") ? "import io\n" : ""}${uses("math.") ? "import math\n" : ""}${uses("NormalDist") ? "from statistics import NormalDist\n" : ""}\
from urllib.request import urlopen

import numpy as np
import onnxruntime as ort
from PIL import Image
from PIL.PngImagePlugin import PngInfo

home = ${quoted(`${home}bundles/${encodeURIComponent(bundle.name)}/`)}

def run(graph, output, **inputs):
    return ort.InferenceSession(urlopen(f"{home}{graph}.onnx").read()).run([output], inputs)[0]

${uses("load(") ? LOAD : ""}${uses("direction(") ? DIRECTION : ""}${body}
pixels = np.rint(image * 255).astype("u1").transpose(1, 2, 0).squeeze()
mark = PngInfo()  # says that a model drew the picture, and what draws it again
mark.add_itxt("XML:com.adobe.xmp", (
${lines(T.markText(state, bundle))}
))
Image.fromarray(pixels).save("picture.png", pnginfo=mark)
`;
  };

  const javascript = (state, bundle, home) => `\
import * as ort from "onnxruntime-web";

const home = ${quoted(home)};
const module = await (await fetch(home + "web/twofold.js")).text(); // NumPy's random numbers, in JavaScript
const { open } = await import("data:text/javascript," + encodeURIComponent(module));

const bundle = await open(home + ${quoted(`bundles/${encodeURIComponent(bundle.name)}/`)}, ort);
const pixels = await bundle.draw({ m: ${quoted(state.m)}, c: ${quoted(T.mixOf(state) ?? state.c)}, t: ${state.t}, x: ${state.x}, y: ${state.y}${["attributes", "bend"].filter((name) => state[name]).map((name) => `, ${name}: ${quoted(T.readMoves(state[name]))}`).join("")} });
console.log(pixels); // RGBA bytes; in a page: new ImageData(pixels, ${bundle.width}) for a canvas
`;

  // The arguments of /sample for this state, in order; a seed where the point is exactly on one.
  const asked = (state, bundle) => {
    const seeds = corners(state);
    const place = seeds.length === 1 ? seeds[0][0] : [state.x, state.y];
    const known = { seeds: [place], bundle: bundle.name, model: state.m, label: T.className(state.c, bundle), truncation: state.t };
    if (!state.attributes && !state.bend) return known;
    const moved = { ...known, attributes: T.readMoves(state.attributes) };
    return state.bend ? { ...moved, bend: T.readMoves(state.bend) } : moved; // curl gives them in order
  };

  // As quoted, with a space after each comma of a list or a table, as Python is written.
  const spaced = (value) => {
    if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
    if (value === null || typeof value !== "object") return quoted(value);
    return `{${Object.entries(value).map(([name, one]) => `${quoted(name)}: ${spaced(one)}`).join(", ")}}`;
  };

  const client = (state, bundle, home) => {
    const words = Object.entries(asked(state, bundle)).map(([name, value]) => `    ${name}=${spaced(value)},\n`);
    return `\
from base64 import b64decode
from pathlib import Path

from gradio_client import Client

client = Client(${quoted(home)})
answer = client.predict(
${words.join("")}    api_name="/sample",
)
Path("picture.png").write_bytes(b64decode(answer["images"][0].partition(",")[2]))
`;
  };

  const curl = (state, bundle, home) => {
    const query = new URLSearchParams(T.pictureParams(state));
    const picture = `curl -s -o picture.png "${home}live/${encodeURIComponent(bundle.name)}?${query}"\n`;
    if (T.mixOf(state)) return picture; // an endpoint takes one class
    const data = quoted({ data: Object.values(asked(state, bundle)) }).replaceAll("'", "'\\''");
    return `\
${picture}
# an endpoint: ask, then fetch the answer
id=$(curl -s ${home}gradio_api/call/sample -H "Content-Type: application/json" \\
  -d '${data}' | cut -d '"' -f 4)
curl -s ${home}gradio_api/call/sample/$id
`;
  };

  // [[name, what to install, code], …] for a state; home: the server's address with a slash at the end.
  T.snippets = (state, bundle, home) => {
    const snippets = [["Python", "pip install onnxruntime numpy pillow", python(state, bundle, home)]];
    if (!bundle.latent_facts.gan?.adapter) snippets.push(["JavaScript", "npm install onnxruntime-web", javascript(state, bundle, home)]);
    if (!T.mixOf(state)) snippets.push(["gradio_client", "pip install gradio_client", client(state, bundle, home)]); // an endpoint takes one class
    snippets.push(["curl", "", curl(state, bundle, home)]);
    return snippets;
  };
})();
