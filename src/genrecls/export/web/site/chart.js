// Bars of all genres, and curves of the likeliest ones over time.

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = 7;
const MOST_BARS = 12;
const MOST_CURVES = 5;

/** Return the class that colours a genre: seven colours, then the same ones in dashes. */
function look(index) {
  return `genre-${index % COLOURS}${index >= COLOURS ? " dashed" : ""}`;
}

export function percent(share) {
  return share < 0.005 ? "<\u00a01\u00a0%" : `${Math.round(100 * share)}\u00a0%`;
}

export function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Draw a bar for each genre, the likeliest first. */
export function drawBars(list, labels, probabilities) {
  const order = ranked(probabilities).slice(0, MOST_BARS);
  list.replaceChildren(
    ...order.map((index) => {
      const row = document.createElement("li");
      const name = document.createElement("span");
      name.className = "name";
      name.append(swatch(index), labels[index]);
      const track = document.createElement("span");
      track.className = "track";
      track.setAttribute("role", "meter");
      track.setAttribute("aria-label", labels[index]);
      track.setAttribute("aria-valuemin", "0");
      track.setAttribute("aria-valuemax", "1");
      track.setAttribute("aria-valuenow", String(probabilities[index]));
      track.setAttribute("aria-valuetext", percent(probabilities[index]));
      const fill = document.createElement("span");
      fill.className = `fill ${look(index)}`;
      fill.style.width = `${100 * probabilities[index]}%`;
      track.append(fill);
      const value = document.createElement("span");
      value.className = "value";
      value.setAttribute("aria-hidden", "true");
      value.textContent = percent(probabilities[index]);
      row.append(name, track, value);
      return row;
    })
  );
}

/** Draws probabilities over time into a figure, with a mark where the player is. */
export class Curve {
  /** @param {HTMLElement} figure holds an svg, `.times` and `.legend` */
  constructor(figure) {
    this.svg = figure.querySelector("svg");
    this.times = figure.querySelector(".times");
    this.legend = figure.querySelector(".legend");
    this.range = [0, 1];
  }

  /** @param {{start: number, end: number, probabilities: number[]}[]} segments in order */
  draw(labels, segments) {
    const first = segments[0].start;
    const last = segments[segments.length - 1].end;
    this.range = [first, last];
    const highest = labels.map((_, i) => Math.max(...segments.map((one) => one.probabilities[i])));
    const shown = ranked(highest).slice(0, MOST_CURVES).sort((a, b) => a - b);
    this.svg.replaceChildren(
      ...[0, 0.5, 1].map((share) => line([[0, share], [1, share]], "grid")),
      ...shown.map((index) => {
        // From middle to middle, level to both ends.
        const points = segments.map(({ start, end, probabilities }) => [
          this.place((start + end) / 2),
          probabilities[index],
        ]);
        const ends = [[0, points[0][1]], ...points, [1, points[points.length - 1][1]]];
        return line(ends, `curve ${look(index)}`);
      })
    );
    this.mark = line([[0, 0], [0, 1]], "mark");
    this.mark.style.visibility = "hidden";
    this.svg.append(this.mark);
    this.times.replaceChildren(...[first, (first + last) / 2, last].map((time) => text(clock(time))));
    this.legend.replaceChildren(
      ...shown.map((index) => {
        const item = document.createElement("li");
        item.append(swatch(index), labels[index]);
        return item;
      })
    );
  }

  /** Show where the player is. */
  point(seconds) {
    if (!this.mark) return;
    const x = 1000 * this.place(seconds);
    this.mark.setAttribute("points", `${x},0 ${x},300`);
    this.mark.style.visibility = "visible";
  }

  /** Return the time that a pointer is at. */
  timeAt(event) {
    const box = this.svg.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return this.range[0] + share * (this.range[1] - this.range[0]);
  }

  place(seconds) {
    const [first, last] = this.range;
    return Math.min(1, Math.max(0, (seconds - first) / Math.max(last - first, 1e-9)));
  }
}

function line(points, name) {
  const element = document.createElementNS(SVG, "polyline");
  const places = points.map(([x, y]) => `${(1000 * x).toFixed(1)},${(300 * (1 - y)).toFixed(1)}`);
  element.setAttribute("points", places.join(" "));
  element.setAttribute("class", name);
  return element;
}

function swatch(index) {
  const element = document.createElement("i");
  element.className = `swatch ${look(index)}`;
  return element;
}

function text(content) {
  const element = document.createElement("span");
  element.textContent = content;
  return element;
}

/** Return the places of values, from the largest to the smallest. */
export function ranked(values) {
  return values.map((_, i) => i).sort((a, b) => values[b] - values[a]);
}
