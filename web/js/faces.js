// Faces as numbers: the same orders as in Python, so that a view agrees with the next run.

const area = (face) => (face.box[2] - face.box[0]) * (face.box[3] - face.box[1]);
const middle = (face, axis) => (face.box[axis] + face.box[axis + 2]) / 2;

// What faces are sorted by; `photo` has width and height in pixels, `point` is in fractions.
function keyOf(order, photo, point) {
  const away = (face) =>
    Math.hypot((middle(face, 0) - point[0]) * photo.width, (middle(face, 1) - point[1]) * photo.height);
  const keys = {
    "smallest first": area,
    "left to right": (face) => middle(face, 0),
    "right to left": (face) => -middle(face, 0),
    "top to bottom": (face) => middle(face, 1),
    "highest score": (face) => -face.score,
    "nearest to point": away,
  };
  return keys[order] ?? ((face) => -area(face));
}

// The faces of one photo, in an order; equal ones keep the detector's.
export function sorted(faces, order, photo, point = [0.5, 0.5]) {
  const key = keyOf(order, photo, point);
  return [...faces].sort((a, b) => key(a) - key(b) || a.index - b.index);
}

// Faces that can be drawn: those of at most 500 whose numbers are numbers.
export function sound(faces) {
  if (!Array.isArray(faces)) return [];
  const isSound = (face) => Array.isArray(face?.box) && face.box.length === 4 && face.box.every(Number.isFinite);
  return faces.filter(isSound).slice(0, 500);
}

// The line of the text `region` that puts a face where somebody drew; `box` in fractions, the line in pixels.
export function regionLine(box, photo) {
  const [x0, y0, x1, y1] = box;
  const pixels = [Math.min(x0, x1) * photo.width, Math.min(y0, y1) * photo.height, Math.max(x0, x1) * photo.width, Math.max(y0, y1) * photo.height];
  return pixels.map(Math.round).join(" ");
}
