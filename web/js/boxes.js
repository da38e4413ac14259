// Boxes of faces: their order, who is taken, and the text of "region". Pure functions; a box is [x0, y0, x1, y1] in fractions.

const MOST = 500; // faces of a photo
const SECTION = /^image\s+(\d+)\s*:?$/i;

// What was told of a photo, with nothing in it that cannot be drawn.
export function cleaned(record) {
  const faces = (Array.isArray(record?.faces) ? record.faces : []).slice(0, MOST).filter((face) => isBox(face?.box));
  const size = (side) => (Number.isFinite(record?.[side]) && record[side] > 0 ? record[side] : 0);
  return { ...record, width: size("width"), height: size("height"), faces };
}

function isBox(box) {
  if (!Array.isArray(box) || box.length !== 4 || !box.every((edge) => Number.isFinite(edge) && edge >= 0 && edge <= 1)) return false;
  return box[2] > box[0] && box[3] > box[1];
}

export function middle([x0, y0, x1, y1]) {
  return [(x0 + x1) / 2, (y0 + y1) / 2];
}

const rounded = (value, decimals) => Math.round(value * 10 ** decimals);

// The faces of a photo in an order of the nodes; equal ones stay as the detector has them. Compared are pixels as fine as the
// fractions tell them: what is equal in pixels differs in the last digits of a fraction.
export function sorted({ faces, width, height }, order, point = [0.5, 0.5]) {
  const area = ({ box: [x0, y0, x1, y1] }) => rounded((x1 - x0) * width * (y1 - y0) * height, 1);
  const x = ({ box }) => rounded(middle(box)[0] * width, 3);
  const y = ({ box }) => rounded(middle(box)[1] * height, 3);
  const far = ({ box }) => rounded(Math.hypot((middle(box)[0] - point[0]) * width, (middle(box)[1] - point[1]) * height), 3);
  const keys = {
    "largest first": (face) => -area(face),
    "smallest first": area,
    "left to right": x,
    "right to left": (face) => -x(face),
    "top to bottom": y,
    "highest score": ({ score }) => -score,
    "nearest to point": far,
  };
  const key = keys[order] ?? keys["largest first"];
  return [...faces].sort((one, other) => key(one) - key(other));
}

// The point, in as few decimals as tell a face from the others of its photo.
export function pointOf(face, photo) {
  for (const decimals of [2, 3, 4]) {
    const point = middle(face.box).map((part) => Number(part.toFixed(decimals)));
    if (sorted(photo, "nearest to point", point)[0] === face) return point;
  }
  return middle(face.box);
}

// The lines of "region" by photo, from 1.
function sections(text) {
  const found = new Map([[1, []]]);
  let photo = 1;
  for (const line of String(text ?? "").split("\n").map((each) => each.trim())) {
    const section = SECTION.exec(line);
    if (section) photo = Number(section[1]);
    else if (line) found.set(photo, [...(found.get(photo) ?? []), line]);
  }
  return found;
}

// The faces that "region" gives a photo, by its number from 1; lines that cannot be read are passed over: a run says what is wrong.
export function givenFaces(text, number, width, height) {
  const faces = [];
  for (const line of sections(text).get(number) ?? []) {
    const values = line.split(/[\s,;]+/).filter(Boolean).map(Number);
    if (!values.every(Number.isFinite) || ![4, 10].includes(values.length)) continue;
    const box = values.length === 4 ? values : around(values);
    const sides = [width, height, width, height];
    faces.push({ box: box.map((edge, place) => Math.min(1, Math.max(0, edge / sides[place]))), score: 1 });
  }
  return cleaned({ width, height, faces }).faces;
}

// About where the face of five points is.
function around(values) {
  const xs = values.filter((_, place) => place % 2 === 0);
  const ys = values.filter((_, place) => place % 2 === 1);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const reach = 0.6 * Math.max(x1 - x0, y1 - y0);
  return [x0 - reach, y0 - reach, x1 + reach, y1 + reach];
}

// The text of "region" with one box in place of whatever it says of a photo.
export function withBox(text, number, box, width, height) {
  const sides = [width, height, width, height];
  const found = sections(text);
  found.set(number, [box.map((edge, place) => Math.round(edge * sides[place])).join(" ")]);
  const photos = [...found].filter(([, lines]) => lines.length).sort(([one], [other]) => one - other);
  return photos.flatMap(([photo, lines]) => (photo === 1 ? lines : [`image ${photo}`, ...lines])).join("\n");
}

// The box between two corners, inside the photo; null where it is too small to be meant.
export function between([ax, ay], [bx, by], least = 0.02) {
  const inside = (value) => Math.min(1, Math.max(0, value));
  const box = [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)].map(inside);
  return box[2] - box[0] < least || box[3] - box[1] < least ? null : box;
}

// Whether dark letters are read better than light ones on a colour, #rrggbb.
export function isLight(colour) {
  const parts = [1, 3, 5].map((place) => Number.parseInt(colour.slice(place, place + 2), 16) / 255);
  const [red, green, blue] = parts.map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179;
}
