// What scripts say, read by a JavaScript parser: node sentences.mjs ACORN FILE… prints for each file
//   said   sentences that are given to T.t or T.n, which translate them
//   raw    texts that a visitor would see as they stand: children and labels of elements, textContent, messages of errors
//   lost   calls of T.t or T.n whose sentence is no text in the script, so nobody can look it up
import { readFileSync } from "node:fs";

const [, , acorn, ...files] = process.argv;
const { parse } = await import(acorn);

const SHOWN = new Set(["aria-label", "title", "alt", "placeholder", "hint", "textContent"]);
const LABELLED = { Error: [0], "T.showMessage": [0], "T.slider": [0], button: [0], "T.segmented": [1] }; // arguments that are shown
const SPOKEN = { "T.t": [0], "T.n": [1, 2] };

const nameOf = (node) => {
  if (node.type === "Identifier") return node.name;
  if (node.type === "MemberExpression" && !node.computed) return `${nameOf(node.object)}.${node.property.name}`;
  return "";
};

// The texts that an expression may have as its value, or as parts of it.
const texts = (node) => {
  switch (node?.type) {
    case "Literal":
      return typeof node.value === "string" ? [node.value] : [];
    case "TemplateLiteral":
      return [...node.quasis.map((part) => part.value.cooked), ...node.expressions.flatMap(texts)];
    case "ConditionalExpression":
      return [...texts(node.consequent), ...texts(node.alternate)];
    case "LogicalExpression":
      return [...(node.operator === "&&" ? [] : texts(node.left)), ...texts(node.right)];
    case "BinaryExpression":
      return node.operator === "+" ? [...texts(node.left), ...texts(node.right)] : [];
    case "ArrayExpression":
      return node.elements.flatMap(texts);
    case "SpreadElement":
      return texts(node.argument);
    default:
      return [];
  }
};

const read = (source) => {
  const found = { said: [], raw: [], lost: [] };
  const show = (node) => found.raw.push(...texts(node));
  const call = (node) => {
    const name = nameOf(node.callee);
    const given = node.arguments;
    for (const place of SPOKEN[name] ?? []) {
      const said = texts(given[place]);
      found.said.push(...said);
      if (!said.length) found.lost.push(source.slice(node.start, node.end));
    }
    if (name === "el" || name === "T.el") given.slice(2).forEach(show);
    for (const place of LABELLED[name] ?? []) show(given[place]);
    if (name.endsWith(".setAttribute") && SHOWN.has(given[0]?.value)) show(given[1]);
    if (name.endsWith(".replaceChildren")) given.forEach(show); // append is a method of forms too
  };
  const walk = (node) => {
    if (node.type === "CallExpression" || node.type === "NewExpression") call(node);
    if (node.type === "Property" && SHOWN.has(node.key.name ?? node.key.value)) show(node.value);
    if (node.type === "AssignmentExpression" && SHOWN.has(node.left.property?.name)) show(node.right);
    for (const child of Object.values(node).flat()) if (child?.type) walk(child);
  };
  walk(parse(source, { ecmaVersion: "latest", sourceType: "module", allowReturnOutsideFunction: true }));
  return found;
};

console.log(JSON.stringify(Object.fromEntries(files.map((file) => [file, read(readFileSync(file, "utf8"))]))));
