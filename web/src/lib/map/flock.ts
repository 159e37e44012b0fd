// Where many moving things are, packed for the graphics card: each glides from where it was seen to where it is.
//
// Positions are Web Mercator (0 to 1) less an origin near the city, so that 32 bits resolve centimetres.

export interface Sign {
  longitude: number;
  latitude: number;
  /** Degrees clockwise from north. */
  heading: number;
  color: [number, number, number];
  body: number;
  glyph: number;
  size: number;
  /** 0 to 255. */
  opacity: number;
}

export const STRIDE = 40;
const FLOATS = STRIDE / 4;
const LONGEST_GLIDE_S = 3;
const SHORTEST_GLIDE_S = 0.15;
/** Farther than this is no voyage but a correction (in Mercator units: about 1.5 km here). */
const LEAP = 1.5 / 25_000;
const REBASE_AFTER_S = 3600;

export class Flock {
  count = 0;
  bytes = new ArrayBuffer(64 * STRIDE);
  /** Until when something is still under way, in seconds of the flock's own time. */
  movingUntil = 0;
  /** Whether the card's copy is behind. */
  stale = true;
  private floats = new Float32Array(this.bytes);
  private octets = new Uint8Array(this.bytes);
  private seenAt = new Float64Array(64);
  private readonly slots = new Map<string, number>();
  private readonly ids: string[] = [];
  private epoch_ms = 0;

  constructor(
    readonly origin: [number, number],
    private readonly still = false,
  ) {}

  /** Puts a thing where it is now seen, `now` in milliseconds of a clock that never jumps. */
  put(id: string, sign: Sign, now_ms: number): void {
    const now = this.time(now_ms);
    let slot = this.slots.get(id);
    const isNew = slot === undefined;
    if (slot === undefined) slot = this.add(id);
    const [x, y] = project(sign.longitude, sign.latitude);
    const at = slot * FLOATS;
    const f = this.floats;
    const [toX, toY] = [x - this.origin[0], y - this.origin[1]];
    const moved = Math.fround(toX) !== f[at + 2] || Math.fround(toY) !== f[at + 3];
    if (isNew || moved) {
      const [fromX, fromY] = isNew ? [toX, toY] : this.placeOf(slot, now);
      const leap = isNew || Math.hypot(toX - fromX, toY - fromY) > LEAP || this.still;
      const glide = clamp(now - (this.seenAt[slot] ?? 0), SHORTEST_GLIDE_S, LONGEST_GLIDE_S);
      f.set([leap ? toX : fromX, leap ? toY : fromY, toX, toY, now, leap ? 0 : glide], at);
      if (!leap) this.movingUntil = Math.max(this.movingUntil, now + glide);
      this.seenAt[slot] = now;
    }
    const before = isNew ? sign.heading : (f[at + 7] ?? 0);
    f[at + 6] = before;
    f[at + 7] = before + shortestTurn(before, sign.heading);
    this.octets.set([...sign.color, 255, sign.body, sign.glyph, sign.size, sign.opacity], slot * STRIDE + 32);
    this.stale = true;
  }

  remove(id: string): void {
    const slot = this.slots.get(id);
    if (slot === undefined) return;
    const last = this.count - 1;
    const lastId = this.ids[last];
    if (slot !== last && lastId !== undefined) {
      this.octets.copyWithin(slot * STRIDE, last * STRIDE, (last + 1) * STRIDE);
      this.seenAt[slot] = this.seenAt[last] ?? 0;
      this.slots.set(lastId, slot);
      this.ids[slot] = lastId;
    }
    this.ids.pop();
    this.slots.delete(id);
    this.count = last;
    this.stale = true;
  }

  has(id: string): boolean {
    return this.slots.has(id);
  }

  /** Seconds of the flock's own time; the shader reads 32 bits, so the count starts afresh each hour. */
  time(now_ms: number): number {
    if (!this.epoch_ms) this.epoch_ms = now_ms;
    const seconds = (now_ms - this.epoch_ms) / 1000;
    if (seconds < REBASE_AFTER_S) return seconds;
    for (let slot = 0; slot < this.count; slot += 1) {
      this.floats[slot * FLOATS + 4] = (this.floats[slot * FLOATS + 4] ?? 0) - seconds;
      this.seenAt[slot] = (this.seenAt[slot] ?? 0) - seconds;
    }
    this.movingUntil -= seconds;
    this.epoch_ms = now_ms;
    this.stale = true;
    return 0;
  }

  /** Where a thing is drawn now, in Mercator units from the origin. */
  find(id: string, now_ms: number): [number, number] | null {
    const slot = this.slots.get(id);
    return slot === undefined ? null : this.placeOf(slot, this.time(now_ms));
  }

  /** Calls with each thing within a box (west, north, east, south; Mercator units from the origin). */
  within(
    box: [number, number, number, number],
    now_ms: number,
    call: (id: string, x: number, y: number) => void,
  ): void {
    const now = this.time(now_ms);
    for (let slot = 0; slot < this.count; slot += 1) {
      const [x, y] = this.placeOf(slot, now);
      if (x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]) call(this.ids[slot] ?? '', x, y);
    }
  }

  private placeOf(slot: number, now: number): [number, number] {
    const f = this.floats;
    const at = slot * FLOATS;
    const glide = f[at + 5] ?? 0;
    const part = glide > 0 ? clamp((now - (f[at + 4] ?? 0)) / glide, 0, 1) : 1;
    const mix = (from: number, to: number) => from + (to - from) * part;
    return [mix(f[at] ?? 0, f[at + 2] ?? 0), mix(f[at + 1] ?? 0, f[at + 3] ?? 0)];
  }

  private add(id: string): number {
    const slot = this.count;
    if ((slot + 1) * STRIDE > this.bytes.byteLength) this.grow();
    this.count += 1;
    this.slots.set(id, slot);
    this.ids.push(id);
    return slot;
  }

  private grow(): void {
    const larger = new ArrayBuffer(this.bytes.byteLength * 2);
    new Uint8Array(larger).set(this.octets);
    const seenAt = new Float64Array(this.seenAt.length * 2);
    seenAt.set(this.seenAt);
    this.bytes = larger;
    this.floats = new Float32Array(larger);
    this.octets = new Uint8Array(larger);
    this.seenAt = seenAt;
  }
}

/** Web Mercator, 0 to 1 from north-west to south-east. */
export function project(longitude: number, latitude: number): [number, number] {
  const sine = Math.sin((clamp(latitude, -85, 85) * Math.PI) / 180);
  return [(longitude + 180) / 360, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
}

export function unproject(x: number, y: number): [number, number] {
  return [x * 360 - 180, (Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) * 180) / Math.PI];
}

function shortestTurn(from: number, to: number): number {
  return ((((to - from) % 360) + 540) % 360) - 180;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
