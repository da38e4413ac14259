// Which files a node looks at, before it ran.

import assert from "node:assert/strict";
import test from "node:test";
import { Graph, load } from "./scripts.mjs";

const { addressOfName, searchOf } = await load("photos.js");

const photo = (graph, image) => graph.add("LoadImage", { outputs: { IMAGE: "IMAGE", MASK: "MASK" }, values: { image } });
const person = (graph, values = {}) =>
  graph.add("LikenessAddPerson", {
    inputs: { photo: "IMAGE,LIKENESS_FACES", face_detector: "LIKENESS_FACE_DETECTOR" },
    outputs: { people: "LIKENESS_PEOPLE" },
    values: { detector: "auto", region: "", ...values },
  });
const faces = (graph, comfyClass, input) =>
  graph.add(comfyClass, { inputs: { [input]: "*" }, outputs: { faces: "LIKENESS_FACES" }, values: { detector: "mtcnn", min_score: 0.3 } });

test("the file is found through a reroute, and a batch is all of its files", () => {
  const graph = new Graph();
  const [one, two, bend] = [photo(graph, "a.png"), photo(graph, "b/c.png"), graph.add("Reroute", { inputs: { "": "*" }, outputs: { "": "*" } })];
  const batch = graph.add("ImageBatch", { inputs: { image1: "IMAGE", image2: "IMAGE" }, outputs: { IMAGE: "IMAGE" } });
  const node = person(graph);
  assert.equal(searchOf(node), null);
  graph.link(one, 0, bend, 0);
  graph.link(bend, 0, node, 0);
  assert.deepEqual(searchOf(node).photos, ["a.png"]);
  graph.link(one, 0, batch, 0);
  graph.link(two, 0, batch, 1);
  graph.link(batch, 0, node, 0);
  assert.deepEqual(searchOf(node).photos, ["a.png", "b/c.png"]);
});

test("what only a run can tell has no files", () => {
  const graph = new Graph();
  const [upscale, node] = [graph.add("ImageScale", { outputs: { IMAGE: "IMAGE" } }), person(graph)];
  graph.link(upscale, 0, node, 0);
  assert.equal(searchOf(node).photos, null);
});

test("faces are those of the node that found them; a person takes them as they are", () => {
  const graph = new Graph();
  const [file, detect, pick, node] = [photo(graph, "a.png"), faces(graph, "LikenessDetectFaces", "image"), faces(graph, "LikenessPickFaces", "faces"), person(graph)];
  graph.link(file, 0, detect, 0);
  graph.link(detect, 0, pick, 0);
  graph.link(pick, 0, node, 0);
  const found = searchOf(pick);
  assert.deepEqual([found.photos, found.detector, found.minScore, found.isTaken], [["a.png"], "mtcnn", 0.3, false]);
  assert.equal(searchOf(node).isTaken, true);
});

test("addresses hold any name", () => {
  assert.equal(addressOfName("a b/<img onerror>&?.png"), "/view?filename=%3Cimg+onerror%3E%26%3F.png&subfolder=a+b&type=input");
  assert.equal(addressOfName("x.png [output]"), "/view?filename=x.png&subfolder=&type=output");
});
