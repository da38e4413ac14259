// The photos that a node looks at, before it ran: which files they are, and where their faces are.

import { api } from "../../../scripts/api.js";
import { cleaned, givenFaces } from "./boxes.js";
import { isActive, isLinked, sourceOf, valueOf } from "./graph.js";
import { viewAddress } from "./widget.js";

const FACES = "LIKENESS_FACES";
const INPUTS = { LikenessAddPerson: "photo", LikenessDetectFaces: "image", LikenessPickFaces: "faces" };
const FILES = new Set(["LoadImage", "LoadImageOutput"]);
const BATCHES = new Set(["ImageBatch", "BatchImagesNode"]);
const PLACE = / \[(input|output|temp)\]$/;
const MOST_PHOTOS = 32;
const MOST_KEPT = 128;
const kept = new Map(); // question → promise of what was told
let last = Promise.resolve(); // one question at a time: each has its own ten seconds

export const NODES = Object.keys(INPUTS);

// How a node finds faces, and in which photos: {photos, detector, ...}; "photos" is null where only a run can tell.
export function searchOf(node) {
  const input = INPUTS[node.comfyClass];
  const source = input && sourceOf(node, input);
  if (!source) return null;
  const from = `${source.node.graph?.id ?? ""} ${source.node.id} ${source.slot}`;
  if (source.node.outputs?.[source.slot]?.type === FACES) {
    const before = searchOf(source.node);
    const isSame = source.node.comfyClass !== "LikenessCombineFaces" && before;
    return { ...(isSame || { photos: null }), from, isTaken: node.comfyClass === "LikenessAddPerson" };
  }
  return {
    photos: filesOf(source.node),
    detector: String(valueOf(node, "detector")),
    region: String(valueOf(node, "region") ?? ""),
    minScore: Number(valueOf(node, "min_score") ?? 0.5),
    isGiven: isLinked(node, "face_detector"),
    from,
    isTaken: false,
  };
}

// The names of the files, in order, as Load Image has them.
function filesOf(node, depth = 0) {
  if (!node || !isActive(node) || depth > MOST_PHOTOS) return null;
  if (FILES.has(node.comfyClass)) {
    const name = valueOf(node, "image");
    return typeof name === "string" && name && !isLinked(node, "image") ? [name] : null;
  }
  if (!BATCHES.has(node.comfyClass)) return null;
  const found = [];
  for (const input of node.inputs ?? []) {
    if (input.link == null) continue;
    const files = filesOf(sourceOf(node, input.name)?.node, depth + 1);
    if (!files) return null;
    found.push(...files);
  }
  return found.length && found.length <= MOST_PHOTOS ? found : null;
}

// The address of a photo by its name as Load Image has it.
export function addressOfName(name) {
  const type = PLACE.exec(name)?.[1] ?? "input";
  const path = name.replace(PLACE, "").split("/");
  return viewAddress({ filename: path.pop(), subfolder: path.join("/"), type });
}

// Where the faces of a photo are, by its number from 1: {width, height, faces, error}.
export async function facesOf(search, number) {
  const name = search.photos[number - 1];
  if (search.isGiven) return { ...(await sizeOf(name)), faces: [], error: "The connected detector looks when the graph runs.", isLater: true };
  if (search.detector === "face crop") return { ...(await sizeOf(name)), faces: [{ box: [0, 0, 1, 1], score: 1 }], error: null };
  if (search.detector === "given region") {
    const size = await sizeOf(name);
    return { ...size, faces: givenFaces(search.region, number, size.width, size.height), error: null };
  }
  const question = JSON.stringify({ image: name, detector: search.detector, min_score: search.minScore });
  if (!kept.has(question)) {
    kept.set(question, ask(question));
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  }
  return kept.get(question);
}

// Forget what was told of a photo: the file may have changed.
export function forget(search) {
  for (const question of [...kept.keys()]) if (search.photos?.includes(JSON.parse(question).image)) kept.delete(question);
}

function ask(question) {
  const answer = last.then(async () => {
    try {
      const headers = { "Content-Type": "application/json" };
      const said = await api.fetchApi("/likeness/faces", { method: "POST", headers, body: question });
      const record = cleaned(await said.json());
      if (record.error) kept.delete(question); // asked again when something changes
      return record;
    } catch {
      kept.delete(question);
      return { width: 0, height: 0, faces: [], error: "The server does not say where faces are; run the graph once." };
    }
  });
  last = answer;
  return answer;
}

function sizeOf(name) {
  return new Promise((done) => {
    const image = new Image();
    image.onload = () => done({ width: image.naturalWidth, height: image.naturalHeight });
    image.onerror = () => done({ width: 0, height: 0 });
    image.src = addressOfName(name);
  });
}
