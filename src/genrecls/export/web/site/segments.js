// Where the segments of a track lie and how they vote: genrecls.dsp.segments and genrecls.dsp.votes.

// The last centisecond of a track must not make its last seconds count twice.
const NEGLIGIBLE = 0.02;

/** Return where segments begin that leave no gap, in steps. */
export function covering(total, { length, hop, needed }) {
  const dense = Math.min(hop, length);
  const full = total >= length ? Math.floor((total - length) / dense) + 1 : 0;
  const starts = Array.from({ length: full }, (_, i) => i * dense);
  const end = () => (starts.length ? starts[starts.length - 1] + length : 0);
  if (total > end() && total - full * dense >= needed) starts.push(full * dense);
  if (length <= total && total - end() > NEGLIGIBLE * length) starts.push(total - length);
  return starts;
}

/** Cuts tracks as `grid` of model.json says. */
export class Segmenter {
  constructor(grid) {
    this.grid = grid;
  }

  /** Return the number of steps (frames or samples) of so many samples. */
  steps(count) {
    const { cut, step, in_frames, window } = this.grid;
    if (!in_frames) return count;
    const reach = window.length - (cut.length - 1) * step;
    return count ? Math.max(0, 1 + Math.floor((count + 2 * window.margin - reach) / step)) : 0;
  }

  /** Return a track, repeated until it fills a segment where it is too short to be one. */
  repeated(samples) {
    const { cut, step } = this.grid;
    const samplesFor = (steps) =>
      steps * step + Math.max(0, steps - this.steps(steps * step)) * step;
    if (!samples.length || samples.length >= samplesFor(cut.needed)) return samples;
    const filled = new Float32Array(samplesFor(cut.length));
    return filled.map((_, i) => samples[i % samples.length]);
  }

  /** Return where the segments of a track begin, in steps. */
  starts(samples) {
    return covering(this.steps(samples.length), this.grid.cut);
  }

  /** Return the samples that are looked at for the segment at `start`. */
  window(samples, start) {
    const { step, window } = this.grid;
    return piece(samples, start * step - window.margin, window.length);
  }

  seconds(steps) {
    return (steps * this.grid.step) / this.grid.rate;
  }
}

/** Return `length` values from `first` on; outside there are zeros. */
export function piece(values, first, length) {
  const out = new Float32Array(length);
  const begin = Math.max(0, first);
  const held = values.subarray(begin, Math.max(begin, Math.min(values.length, first + length)));
  out.set(held, begin - first);
  return out;
}

/** Return the means over segments of the probabilities of each class. */
export function mean(segments) {
  return segments[0].map((_, i) => segments.reduce((sum, one) => sum + one[i], 0) / segments.length);
}

/** Return the class that is answered for a track, by `mean` or `majority`. */
export function decide(segments, vote) {
  const shares = mean(segments);
  if (vote === "mean") return largest(shares);
  const votes = new Array(shares.length).fill(0);
  for (const one of segments) votes[largest(one)] += 1;
  const most = Math.max(...votes);
  return largest(shares.map((share, i) => (votes[i] === most ? share : -1)));
}

function largest(values) {
  return values.indexOf(Math.max(...values));
}
