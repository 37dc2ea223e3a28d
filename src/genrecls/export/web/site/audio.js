// Files in, mono samples at the rate of the model out; the browser decodes.

import { resample } from "./resample.js";

// Of files whose header is not understood here: browsers resample to it while they decode.
const USUAL_RATE = 48000;
// All that every browser decodes to.
const LEAST_RATE = 8000;
const MOST_RATE = 96000;

const MPEG_RATES = [
  [11025, 12000, 8000],
  null,
  [22050, 24000, 16000],
  [44100, 48000, 32000],
];

/**
 * Return the samples of a file.
 *
 * @param {File} file
 * @param {number} rate in Hz
 * @param {AbortSignal} signal
 * @returns {Promise<Float32Array>}
 */
export async function decode(file, rate, signal) {
  const bytes = await file.arrayBuffer();
  const own = sampleRate(new Uint8Array(bytes)) ?? USUAL_RATE;
  const between = Math.min(MOST_RATE, Math.max(LEAST_RATE, own));
  let buffer;
  try {
    buffer = await new OfflineAudioContext(1, 1, between).decodeAudioData(bytes);
  } catch {
    throw new Error(
      "this browser cannot decode it; all decode WAV, FLAC and MP3: ffmpeg -i FILE new.flac"
    );
  }
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, i) => buffer.getChannelData(i));
  return resample(mixDown(channels), between, rate, signal);
}

/** Return the mean of channels. */
function mixDown(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, i) => channels.reduce((sum, one) => sum + one[i], 0) / channels.length);
}

/** Return the sample rate in the header of a WAV, FLAC, Ogg or MPEG file; null of any other. */
export function sampleRate(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at, length) => String.fromCharCode(...bytes.subarray(at, at + length));
  const size = bytes.length;
  if (text(0, 4) === "RIFF" && text(8, 4) === "WAVE") {
    for (let at = 12; at + 16 <= size; ) {
      if (text(at, 4) === "fmt ") return view.getUint32(at + 12, true);
      const length = view.getUint32(at + 4, true);
      at += 8 + length + (length % 2);
    }
    return null;
  }
  if (text(0, 4) === "fLaC" && size > 21) return view.getUint32(18) >>> 12;
  if (text(0, 4) === "OggS" && size > 44) {
    if (text(28, 8) === "OpusHead") return 48000;
    return text(28, 7) === "\x01vorbis" ? view.getUint32(40, true) : null;
  }
  // A tag in front has its length in four times seven bits.
  const tag = text(0, 3) === "ID3" && size > 10;
  const at = tag ? 10 + bytes.subarray(6, 10).reduce((sum, byte) => (sum << 7) | byte, 0) : 0;
  if (at + 4 > size || bytes[at] !== 0xff || bytes[at + 1] < 0xe0) return null;
  const layer = (bytes[at + 1] >> 1) & 3;
  const rates = MPEG_RATES[(bytes[at + 1] >> 3) & 3];
  return layer && rates ? (rates[(bytes[at + 2] >> 2) & 3] ?? null) : null;
}
