// Who is in a chain, who is not, and what a click on "connect" links.

import assert from "node:assert/strict";
import test from "node:test";
import { Graph, load } from "./scripts.mjs";

const { connect, looseBeside, peopleOf, placeOf } = await load("people.js");
const { sourceOf } = await load("graph.js");

const P = "LIKENESS_PEOPLE";
const add = (graph, name = "", more = {}) =>
  graph.add("LikenessAddPerson", { inputs: { people: P }, outputs: { people: P, preview: "IMAGE" }, values: { name, ...more } });
const apply = (graph) => graph.add("LikenessApplyUniPortrait", { inputs: { model: "MODEL", people: P }, outputs: { model: "MODEL" } });
const reroute = (graph) => graph.add("Reroute", { inputs: { "": P }, outputs: { "": P } });
const chainOf = (node) => peopleOf(sourceOf(node, "people")?.node).map((each) => each.name);
const looseOf = (node) => looseBeside(node).map((each) => each.name);

test("a chain is read in order, through reroutes, without those who are bypassed", () => {
  const graph = new Graph();
  const [ann, off, ben, bend, target] = [add(graph, "Ann"), add(graph, "Off"), add(graph), reroute(graph), apply(graph)];
  graph.link(ann, 0, off, 0);
  graph.link(off, 0, ben, 0);
  graph.link(ben, 0, bend, 0);
  graph.link(bend, 0, target, 1);
  assert.deepEqual(chainOf(target), ["Ann", "Off", "person 3"]);
  off.mode = 4;
  assert.deepEqual(chainOf(target), ["Ann", "person 2"]);
  assert.equal(placeOf(ben), 1);
  assert.deepEqual(looseOf(target), []);
});

test("cards, picking and merging change who is in", () => {
  const graph = new Graph();
  const ann = add(graph, "Ann");
  const card = graph.add("LikenessLoadIdentityCard", { inputs: { people: P }, outputs: { people: P }, values: { name: "", card: "a/ben.safetensors" } });
  const pick = graph.add("LikenessPickPerson", { inputs: { people: P }, outputs: { people: P }, values: { number: 2 } });
  const merge = graph.add("LikenessMergePeople", { inputs: { people: P }, outputs: { people: P }, values: { name: "" } });
  graph.link(ann, 0, card, 0);
  graph.link(card, 0, pick, 0);
  graph.link(card, 0, merge, 0);
  assert.deepEqual(peopleOf(pick).map((each) => each.name), ["ben"]);
  assert.deepEqual(peopleOf(merge).map((each) => each.name), ["Ann"]);
});

test("somebody loose is put behind the last person", () => {
  const graph = new Graph();
  const [ann, ben, target] = [add(graph, "Ann"), add(graph, "Ben"), apply(graph)];
  graph.link(ann, 0, target, 1);
  assert.deepEqual(looseOf(target), ["Ben"]);
  connect(ben, target);
  assert.deepEqual(chainOf(target), ["Ann", "Ben"]);
  assert.deepEqual(looseOf(target), []);
});

test("a loose chain comes whole, whichever of it is clicked", () => {
  for (const clicked of [1, 2]) {
    const graph = new Graph();
    const all = [add(graph, "Ann"), add(graph, "Ben"), add(graph, "Cem"), apply(graph)];
    graph.link(all[0], 0, all[3], 1);
    graph.link(all[1], 0, all[2], 0);
    assert.deepEqual(looseOf(all[3]), ["Ben", "Cem"]);
    connect(all[clicked], all[3]);
    assert.deepEqual(chainOf(all[3]), ["Ann", "Ben", "Cem"]);
  }
});

test("where the chain leads to the loose one already, only the end is linked", () => {
  const graph = new Graph();
  const [ann, ben, target] = [add(graph, "Ann"), add(graph, "Ben"), apply(graph)];
  graph.link(ann, 0, ben, 0);
  graph.link(ann, 0, target, 1);
  assert.deepEqual(looseOf(target), ["Ben"]);
  connect(ben, target);
  assert.deepEqual(chainOf(target), ["Ann", "Ben"]);
});

test("an Apply node without anybody takes the loose one", () => {
  const graph = new Graph();
  const [ann, target] = [add(graph), apply(graph)];
  ann.title = "<b>";
  assert.deepEqual(looseOf(target), ["<b>"]);
  connect(ann, target);
  assert.deepEqual(chainOf(target), ["person 1"]);
});

test("a circle ends", () => {
  const graph = new Graph();
  const [ann, ben, target] = [add(graph, "Ann"), add(graph, "Ben"), apply(graph)];
  graph.link(ann, 0, ben, 0);
  graph.link(ben, 0, ann, 0);
  graph.link(ben, 0, target, 1);
  assert.ok(chainOf(target).length <= 201);
  assert.deepEqual(looseOf(target), []);
});
