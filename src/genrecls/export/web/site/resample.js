// Samples at another rate by a windowed sinc, as close as it gets to soxr's HQ, with which `genrecls
// predict` resamples. What a browser does itself is less exact: with 13 songs at 44.1 kHz a network
// without opinions moved its probabilities by up to 0.006 after Chromium's decoder had resampled them.

import { Breaks } from "./breaks.js";

// Zero crossings on each side, shape of the window (Kaiser), and the middle of the transition: flat up
// to 91 % of the lower rate's half, and below -120 dB from that half on.
const CROSSINGS = 94;
const BETA = 12.8;
const CUTOFF = 0.9565;

const AT_ONCE = 4096;

/**
 * Return mono samples at the rate `wanted`.
 *
 * @param {Float32Array} samples
 * @param {number} rate in Hz
 * @param {number} wanted in Hz
 * @param {AbortSignal} [signal]
 * @returns {Promise<Float32Array>}
 */
export async function resample(samples, rate, wanted, signal) {
  if (rate === wanted) return samples;
  const common = divisor(rate, wanted);
  const up = wanted / common;
  const down = rate / common;
  const reach = Math.ceil(CROSSINGS * Math.max(1, down / up));
  const out = new Float32Array(Math.floor((2 * samples.length * wanted + rate) / (2 * rate)));
  const filters = new Map();
  const breaks = new Breaks(signal);
  for (let i = 0; i < out.length; i++) {
    const phase = (i * down) % up;
    const first = (i * down - phase) / up - reach + 1;
    if (!filters.has(phase)) filters.set(phase, filter(phase / up, reach, Math.min(1, up / down)));
    const weights = filters.get(phase);
    const end = Math.min(weights.length, samples.length - first);
    let sum = 0;
    for (let k = Math.max(0, -first); k < end; k++) sum += samples[first + k] * weights[k];
    out[i] = sum;
    if (i % AT_ONCE === 0) await breaks.take();
  }
  return out;
}

/** Return the filter of an output that lies `offset` behind an input. */
function filter(offset, reach, share) {
  const cutoff = CUTOFF * share;
  return Float32Array.from({ length: 2 * reach }, (_, i) => {
    const distance = i - reach + 1 - offset;
    const inside = Math.max(0, 1 - (distance / reach) ** 2);
    return cutoff * sinc(cutoff * distance) * (bessel(BETA * Math.sqrt(inside)) / bessel(BETA));
  });
}

function sinc(x) {
  return x ? Math.sin(Math.PI * x) / (Math.PI * x) : 1;
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function bessel(x) {
  let sum = 1;
  for (let term = 1, k = 1; term > 1e-17 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function divisor(a, b) {
  return b ? divisor(b, a % b) : a;
}
