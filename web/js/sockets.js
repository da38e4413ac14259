// A colour of its own for each type of socket, on the canvas and in Nodes 2.0.

import { app } from "../../../scripts/app.js";

// All are as bright as a dark and a light node allow at once: at least 3 : 1 against both.
const COLOURS = {
  LIKENESS_PEOPLE: "#1582ff",
  LIKENESS_PLACEMENT: "#c07300",
  LIKENESS_FACES: "#119b11",
  LIKENESS_FACE_DETECTOR: "#009589",
  LIKENESS_FACE_PARSER: "#058fbd",
  LIKENESS_FACE_SQUARE: "#689215",
  LIKENESS_SCORES: "#998500",
  LIKENESS_DINO: "#858585",
  LIKENESS_UNIPORTRAIT: "#9b69f3",
  LIKENESS_CONSISTENTID: "#cc4be5",
  LIKENESS_FACIAL_FEATURES: "#ad7a55",
  LIKENESS_OMNIPORTRAIT: "#ff1c7b",
  LIKENESS_IP_ADAPTER: "#e832c4",
  LIKENESS_FACESTUDIO: "#f54141",
  LIKENESS_STYLE: "#637ee9",
  LIKENESS_PRIOR: "#7b83ab",
};

/** Give a table of the canvas our colours. A palette that is chosen later writes an empty text for each type that it does
 * not know; that is passed over, and a colour of its own is taken. */
function colour(table) {
  for (const [type, ours] of Object.entries(COLOURS)) {
    let shown = ours;
    Object.defineProperty(table, type, {
      configurable: true,
      enumerable: true,
      get: () => shown,
      set: (given) => {
        shown = given || ours;
      },
    });
  }
}

/** Give Nodes 2.0 our colours; a palette's own are written to the element and win. */
function addStyle() {
  const style = document.createElement("style");
  const lines = Object.entries(COLOURS).map(([type, ours]) => `--color-datatype-${type}: ${ours};`);
  style.textContent = `:root { ${lines.join(" ")} }`;
  document.head.append(style);
}

export const sockets = {
  name: "Likeness.Sockets",
  setup() {
    colour(app.canvas.constructor.link_type_colors);
    colour(app.canvas.default_connection_color_byType);
    addStyle();
    app.canvas.setDirty(true, true);
  },
};
