// Maps of who stands where, as the server packs them: a byte for every place.

const FAINTEST = 0.35; // of a colour where it was close, on the opacity that is chosen
const PALE = 0.8; // how much of a picture's colour is taken out at full opacity
const EDGE = 512; // pixels of the longer side of what is drawn

// Bytes, grid and bits of a map that was sent; null where something does not fit.
export function unpack(sent, bits) {
  const [height, width] = sent?.grid ?? [];
  if (!(height > 0 && width > 0 && height * width <= 1 << 20)) return null;
  let text;
  try {
    text = atob(sent.data);
  } catch {
    return null;
  }
  if (text.length !== height * width) return null;
  return { height, width, bits, bytes: Uint8Array.from(text, (letter) => letter.charCodeAt(0)) };
}

// The share of all places that each of some people won, 0–1.
export function sharesOf(map, count) {
  const won = new Array(count).fill(0);
  for (const byte of map.bytes) {
    const place = (byte >> (8 - map.bits)) - 1;
    if (place >= 0 && place < count) won[place] += 1;
  }
  return won.map((places) => places / map.bytes.length);
}

// Draw a map over a picture: colours of those who are shown, the clearer the more they won by, and names on their areas.
export function drawMap(canvas, map, { people, hidden, opacity, ground }) {
  const aspect = ground ? ground.naturalWidth / ground.naturalHeight : map.width / map.height;
  canvas.width = Math.round(aspect >= 1 ? EDGE : EDGE * aspect);
  canvas.height = Math.round(aspect >= 1 ? EDGE / aspect : EDGE);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#1f1f1f";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  if (opacity > 0) pen.filter = `saturate(${1 - PALE * opacity})`; // so that people's colours show
  if (ground) pen.drawImage(ground, 0, 0, canvas.width, canvas.height);
  pen.filter = "none";
  pen.imageSmoothingEnabled = true;
  pen.drawImage(coloured(map, people, hidden, opacity), 0, 0, canvas.width, canvas.height);
  if (opacity > 0) writeNames(pen, map, people, hidden, canvas);
}

function coloured(map, people, hidden, opacity) {
  const small = document.createElement("canvas");
  [small.width, small.height] = [map.width, map.height];
  const pen = small.getContext("2d");
  const pixels = pen.createImageData(map.width, map.height);
  const low = 8 - map.bits;
  const most = (1 << low) - 1 || 1;
  const colours = people.map((person) => rgb(person.colour));
  map.bytes.forEach((byte, at) => {
    const place = (byte >> low) - 1;
    if (place < 0 || place >= people.length) return;
    const margin = (byte & ((1 << low) - 1)) / most;
    pixels.data.set(colours[place], 4 * at);
    pixels.data[4 * at + 3] = hidden.has(place) ? 0 : 255 * opacity * (FAINTEST + (1 - FAINTEST) * margin);
  });
  pen.putImageData(pixels, 0, 0);
  return small;
}

function writeNames(pen, map, people, hidden, canvas) {
  const size = Math.max(18, Math.round(canvas.width / 18));
  pen.font = `600 ${size}px sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  pen.lineWidth = size / 4;
  people.forEach((person, place) => {
    const middle = hidden.has(place) ? null : middleOf(map, place);
    if (!middle) return;
    const name = person.name.length > 18 ? `${person.name.slice(0, 17)}…` : person.name;
    const half = pen.measureText(name).width / 2 + 4;
    const x = Math.min(Math.max(middle[0] * canvas.width, half), Math.max(canvas.width - half, half));
    const y = Math.min(Math.max(middle[1] * canvas.height, size), canvas.height - size);
    pen.strokeStyle = "#000";
    pen.strokeText(name, x, y);
    pen.fillStyle = "#fff";
    pen.fillText(name, x, y);
  });
}

// The place of somebody's that is farthest from everybody else's and from the edges: x and y, 0–1.
function middleOf({ bytes, width, height, bits }, place) {
  const depth = new Int32Array(bytes.length); // steps to the next place that is not theirs
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : depth[y * width + x]);
  const each = (use) => {
    for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) use(x, y, y * width + x);
  };
  each((x, y, here) => {
    if (bytes[here] >> (8 - bits) !== place + 1) return;
    depth[here] = 1 + Math.min(at(x - 1, y), at(x, y - 1), at(x - 1, y - 1), at(x + 1, y - 1));
  });
  let best = -1;
  for (let here = bytes.length - 1; here >= 0; here -= 1) {
    const [x, y] = [here % width, Math.floor(here / width)];
    const back = 1 + Math.min(at(x + 1, y), at(x, y + 1), at(x + 1, y + 1), at(x - 1, y + 1));
    depth[here] = Math.min(depth[here], back);
    if (depth[here] > 0 && (best < 0 || depth[here] > depth[best])) best = here;
  }
  return best < 0 ? null : [((best % width) + 0.5) / width, (Math.floor(best / width) + 0.5) / height];
}

function rgb(colour) {
  const number = Number.parseInt(String(colour).slice(1), 16) || 0;
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}
