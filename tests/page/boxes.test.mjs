// Boxes of faces: order, choice, the text of "region", and whatever may be told.

import assert from "node:assert/strict";
import test from "node:test";
import { load } from "./scripts.mjs";

const { between, cleaned, givenFaces, isLight, pointOf, sorted, withBox } = await load("boxes.js");

const photo = {
  width: 200,
  height: 100,
  faces: [
    { box: [0, 0, 0.5, 0.5], score: 0.6 },
    { box: [0.6, 0.2, 0.7, 0.4], score: 0.9 },
    { box: [0.8, 0.7, 0.9, 0.9], score: 0.9 },
  ],
};
const order = (name, point) => sorted(photo, name, point).map((face) => photo.faces.indexOf(face));

test("faces are sorted as the nodes sort them; equal ones stay", () => {
  assert.deepEqual(order("largest first"), [0, 1, 2]);
  assert.deepEqual(order("smallest first"), [1, 2, 0]);
  assert.deepEqual(order("left to right"), [0, 1, 2]);
  assert.deepEqual(order("right to left"), [2, 1, 0]);
  assert.deepEqual(order("top to bottom"), [0, 1, 2]);
  assert.deepEqual(order("highest score"), [1, 2, 0]);
  assert.deepEqual(order("nearest to point", [0.9, 0.9]), [2, 1, 0]);
  assert.deepEqual(order("nonsense"), order("largest first"));
});

test("the point of a face finds it again", () => {
  const near = { width: 1000, height: 1000, faces: [{ box: [0.1, 0.1, 0.2034, 0.2] }, { box: [0.1, 0.1, 0.2036, 0.2] }] };
  for (const face of near.faces) assert.equal(sorted(near, "nearest to point", pointOf(face, near))[0], face);
  assert.deepEqual(pointOf(photo.faces[1], photo), [0.65, 0.3]);
});

test("what cannot be drawn is left out", () => {
  const bad = [null, {}, { box: [NaN, 0, 1, 1] }, { box: [0, 0, 0, 1] }, { box: [0, 0, 2, 1] }, { box: "0011" }, { box: [0, 0, 1] }];
  assert.deepEqual(cleaned({ width: "x", height: -1, faces: [...bad, photo.faces[0]] }), { width: 0, height: 0, faces: [photo.faces[0]] });
  for (const nothing of [null, undefined, 5, { faces: 5 }]) assert.deepEqual(cleaned(nothing).faces, []);
  assert.equal(cleaned({ faces: Array(900).fill(photo.faces[0]) }).faces.length, 500);
});

test("region is read by photo, and a drawn box takes the place of one photo's lines", () => {
  const text = "20 10 100 50\nnonsense\nimage 2:\n0, 0; 50 50";
  assert.deepEqual(givenFaces(text, 1, 200, 100), [{ box: [0.1, 0.1, 0.5, 0.5], score: 1 }]);
  assert.deepEqual(givenFaces(text, 2, 100, 100), [{ box: [0, 0, 0.5, 0.5], score: 1 }]);
  assert.deepEqual(givenFaces(text, 3, 100, 100), []);
  assert.equal(givenFaces("40 40 60 40 50 50 42 60 58 60", 1, 100, 100).length, 1);
  assert.equal(withBox("", 1, [0.1, 0.1, 0.5, 0.5], 200, 100), "20 10 100 50");
  assert.equal(withBox("1 2 3 4\nimage 3\n5 6 7 8", 2, [0, 0, 0.5, 1], 200, 100), "1 2 3 4\nimage 2\n0 0 100 100\nimage 3\n5 6 7 8");
  assert.equal(withBox("", 2, [0, 0, 1, 1], 10, 10), "image 2\n0 0 10 10");
});

test("a box lies between two corners, inside the photo, and is not too small", () => {
  assert.deepEqual(between([0.75, 0.5], [0.25, -1]), [0.25, 0, 0.75, 0.5]);
  assert.equal(between([0.5, 0.5], [0.51, 0.9]), null);
});

test("numbers can be read on every colour", () => {
  assert.equal(isLight("#ffffff"), true);
  assert.equal(isLight("#38d978"), true);
  assert.equal(isLight("#101010"), false);
});
