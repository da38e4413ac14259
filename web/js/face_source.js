// Where the faces of a node come from before it has run: a photo of the input folder, and how its faces are looked for.

import { api } from "../../../scripts/api.js";
import { originOf, photoFile } from "./graph.js";
import { valueOf } from "./widget.js";

const RUN_ONCE = "Run once to see the faces here.";
const MOST_ANSWERS = 64;
const answers = new Map(); // key → what the server said

// What a node's faces are found in, and how: {key, file, ask, isFixed, sentence}; `isFixed` where another node takes them.
export function sourceOf(node) {
  const isPicking = node.comfyClass === "LikenessPickFaces";
  const isAdding = node.comfyClass === "LikenessAddPerson";
  const input = isPicking ? "faces" : isAdding ? "photo" : "image";
  const origin = originOf(node, input);
  if (!origin) return { key: "", file: null, sentence: "" };
  if (isAdding && origin.node.outputs?.[origin.slot]?.type === "LIKENESS_FACES") {
    const title = origin.node.title ?? "another node";
    return { key: `faces ${origin.node.id}`, file: null, isFixed: true, sentence: `${title} takes the face.` };
  }
  const looking = isPicking ? origin.node : node;
  if (isPicking && looking.comfyClass !== "LikenessDetectFaces") return { key: "other", file: null, sentence: RUN_ONCE };
  const file = photoFile(looking, isAdding ? "photo" : "image");
  const detector = detectorOf(looking);
  if (!file || !detector) return { key: `no file ${origin.node.id}`, file: null, sentence: RUN_ONCE };
  const region = detector === "given region" ? String(valueOf(looking, "region", "")) : "";
  const ask = { image: file.name, detector, region, min_score: Number(valueOf(looking, "min_score", 0.5)) };
  return { key: JSON.stringify(ask), file, ask, sentence: "" };
}

// The detector by name; null where one is linked that only a run knows.
function detectorOf(node) {
  const linked = originOf(node, "face_detector")?.node;
  if (!linked) return String(valueOf(node, "detector", "auto"));
  return linked.comfyClass === "LikenessLoadMiniature" ? "drawn faces (miniature)" : null;
}

// What the server says of a source: {state} while it looks, then {state, faces, width, height} or {state, error}.
export function askFaces(source, told) {
  const known = answers.get(source.key);
  if (known) return known;
  answers.set(source.key, { state: "asked" });
  if (answers.size > MOST_ANSWERS) answers.delete(answers.keys().next().value);
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(source.ask) };
  api
    .fetchApi("/likeness/faces", options)
    .then((response) => response.json())
    .then((answer) => answers.set(source.key, { ...answer, state: "told" }))
    .catch(() => answers.set(source.key, { state: "told", error: RUN_ONCE }))
    .then(told);
  return answers.get(source.key);
}
