// Spectra of real frames whose length is a power of two.

/** Computes the spectrum of frames of one length. */
export class Spectrum {
  /** @param {number} length samples of a frame, a power of two from 4 on */
  constructor(length) {
    this.bins = length / 2 + 1;
    // A real frame is a complex one of half its length: even samples real, odd ones imaginary.
    const half = length / 2;
    this.half = half;
    this.real = new Float64Array(half);
    this.imaginary = new Float64Array(half);
    this.cosine = Float64Array.from({ length: half }, (_, k) => Math.cos((2 * Math.PI * k) / length));
    this.sine = Float64Array.from({ length: half }, (_, k) => -Math.sin((2 * Math.PI * k) / length));
    this.order = new Uint32Array(half);
    for (let i = 1; i < half; i++) {
      this.order[i] = (this.order[i >> 1] >> 1) | (i & 1 ? half >> 1 : 0);
    }
  }

  /**
   * Write the magnitudes of a frame, or their squares, into `out`.
   *
   * @param {Float64Array} frame samples times the window
   * @param {1|2} power
   * @param {Float64Array} out one value for each of `bins`
   */
  transform(frame, power, out) {
    const { half, real, imaginary, cosine, sine, order } = this;
    for (let i = 0; i < half; i++) {
      real[i] = frame[2 * order[i]];
      imaginary[i] = frame[2 * order[i] + 1];
    }
    for (let size = 1; size < half; size *= 2) {
      // Angles of a transform of `half` points are every second one of those kept here.
      const stride = half / size;
      for (let start = 0; start < half; start += 2 * size) {
        for (let k = 0; k < size; k++) {
          const a = start + k;
          const b = a + size;
          const c = cosine[k * stride];
          const s = sine[k * stride];
          const re = real[b] * c - imaginary[b] * s;
          const im = real[b] * s + imaginary[b] * c;
          real[b] = real[a] - re;
          imaginary[b] = imaginary[a] - im;
          real[a] += re;
          imaginary[a] += im;
        }
      }
    }
    // Spectra of even and odd samples, put together.
    for (let k = 0; k <= half; k++) {
      const a = k % half;
      const b = (half - k) % half;
      const evenRe = (real[a] + real[b]) / 2;
      const evenIm = (imaginary[a] - imaginary[b]) / 2;
      const oddRe = (imaginary[a] + imaginary[b]) / 2;
      const oddIm = (real[b] - real[a]) / 2;
      const c = k < half ? cosine[k] : -1;
      const s = k < half ? sine[k] : 0;
      const re = evenRe + oddRe * c - oddIm * s;
      const im = evenIm + oddRe * s + oddIm * c;
      const squared = re * re + im * im;
      out[k] = power === 2 ? squared : Math.sqrt(squared);
    }
  }
}
