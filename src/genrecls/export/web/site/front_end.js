// From samples to what the network takes: genrecls.dsp.mel, with its own tables.

import { Spectrum } from "./fft.js";

/** Computes log-mel bands, and cosine coefficients or pictures of them. */
export class FrontEnd {
  /** @param {object} tables `front_end` of model.json */
  constructor(tables) {
    this.tables = tables;
    this.spectrum = new Spectrum(tables.n_fft);
  }

  /** Return the number of frames of so many samples. */
  frames(count, padded = false) {
    const { n_fft, hop_length, center } = this.tables;
    const inside = center && !padded ? count : count - n_fft;
    return Math.max(0, 1 + Math.floor(inside / hop_length));
  }

  /**
   * Return the features of a segment or a whole track.
   *
   * @param {Float32Array} samples
   * @param {boolean} padded whether the samples around the first and last frame are among them
   * @returns {Float32Array} rows (frames, or those of a picture) one after the other
   */
  transform(samples, padded = false) {
    const { cosines, picture } = this.tables;
    const bands = this.bands(picture ? emphasised(samples, picture.pre_emphasis) : samples, padded);
    if (cosines) return product(bands, cosines);
    return picture ? this.draw(bands) : bands;
  }

  /** Return the compressed mel bands, frame by frame. */
  bands(samples, padded) {
    const { n_fft, hop_length, center, power, window, filters, weights } = this.tables;
    const count = this.frames(samples.length, padded);
    const width = filters.length;
    const margin = center && !padded ? n_fft / 2 : 0;
    const bands = new Float32Array(count * width);
    const frame = new Float64Array(n_fft);
    const bins = new Float64Array(this.spectrum.bins);
    for (let row = 0; row < count; row++) {
      const first = row * hop_length - margin;
      for (let i = 0; i < n_fft; i++) {
        // Around the track is silence.
        frame[i] = (samples[first + i] ?? 0) * window[i];
      }
      this.spectrum.transform(frame, power, bins);
      for (let band = 0; band < width; band++) {
        const [begin, length, offset] = filters[band];
        let sum = 0;
        for (let i = 0; i < length; i++) sum += bins[begin + i] * weights[offset + i];
        bands[row * width + band] = sum;
      }
    }
    this.compress(bands, width);
    return bands;
  }

  compress(bands, width) {
    const { compression } = this.tables;
    if (compression.name === "log1p") {
      for (let i = 0; i < bands.length; i++) {
        bands[i] = Math.log1p(bands[i] * compression.gain) / Math.LN10;
      }
    } else if (compression.name === "pcen") {
      this.normalise(bands, width);
    } else {
      const { ref, amin, top_db } = compression;
      const loudest = maximum(bands);
      const zero = 10 * Math.log10(Math.max(amin, ref === "max" ? loudest : ref));
      for (let i = 0; i < bands.length; i++) bands[i] = 10 * Math.log10(Math.max(bands[i], amin)) - zero;
      if (top_db !== null) {
        const least = maximum(bands) - top_db;
        for (let i = 0; i < bands.length; i++) bands[i] = Math.max(bands[i], least);
      }
    }
  }

  /** Per-channel energy normalisation: each band by its own running mean. */
  normalise(bands, width) {
    const { scale, floor, smoothing, gain, bias, power } = this.tables.compression;
    const mean = bands.slice(0, width).map((value) => value * scale);
    for (let i = 0; i < bands.length; i++) {
      const value = bands[i] * scale;
      const band = i % width;
      mean[band] += smoothing * (value - mean[band]);
      const normalised = value / (floor + mean[band]) ** gain;
      bands[i] = Math.expm1(Math.log1p(normalised / bias) * power) * bias ** power;
    }
  }

  /** Return a picture of bands in decibels below the loudest. */
  draw(bands) {
    const { top_db } = this.tables.compression;
    const { resize, colours, channels } = this.tables.picture;
    const flat = bands.every((value) => value === bands[0]);
    let grey = bands.map((value) => (flat ? 0 : Math.min(1, Math.max(0, 1 + value / top_db))));
    if (resize) grey = transposed(product(transposed(product(grey, resize.columns), resize.columns[0].length), resize.rows), resize.rows[0].length);
    if (channels === 1) return grey;
    const picture = new Float32Array(3 * grey.length);
    for (let i = 0; i < grey.length; i++) {
      const colour = colours && colours[Math.min(Math.floor(grey[i] * colours.length), colours.length - 1)];
      for (let c = 0; c < 3; c++) picture[3 * i + c] = colour ? colour[c] : grey[i];
    }
    return picture;
  }
}

/** Return rows times a matrix, which is a list of its rows. */
function product(values, matrix) {
  const inner = matrix.length;
  const width = matrix[0].length;
  const out = new Float32Array((values.length / inner) * width);
  const sums = new Float64Array(width);
  for (let row = 0; row < values.length / inner; row++) {
    sums.fill(0);
    for (let k = 0; k < inner; k++) {
      const value = values[row * inner + k];
      for (let column = 0; column < width; column++) sums[column] += value * matrix[k][column];
    }
    out.set(sums, row * width);
  }
  return out;
}

/** Return rows of `width` values as columns. */
function transposed(values, width) {
  const height = values.length / width;
  return values.map((_, i) => values[(i % height) * width + Math.floor(i / height)]);
}

/** Return samples less `amount` of the sample before each. */
function emphasised(samples, amount) {
  return amount ? samples.map((value, i) => (i ? value - amount * samples[i - 1] : value)) : samples;
}

function maximum(values) {
  let largest = -Infinity;
  for (const value of values) if (value > largest) largest = value;
  return largest;
}
