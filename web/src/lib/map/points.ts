// Positions of many moving things: each glides from its last position to the new one.
//
// Kept as plain columns of numbers, so that five thousand reports a second cost next to nothing. Positions are Web
// Mercator, 0 to 1 from north-west to south-east; times are milliseconds of a clock that never jumps.

export interface Report<Style> {
  longitude: number;
  latitude: number;
  /** Degrees clockwise from north. */
  heading: number;
  style: Style;
}

/** Called with a thing's id, place, heading in degrees and style. */
export type Visit<Style> = (id: string, x: number, y: number, heading: number, style: Style) => void;
/** West, north, east, south. */
export type Box = [number, number, number, number];

const LONGEST_GLIDE_MS = 3000;
const SHORTEST_GLIDE_MS = 150;
/** Farther than this is no voyage but a correction (in Mercator units: about 1.5 km here). */
const LEAP = 1.5 / 25_000;

enum Column {
  fromX,
  fromY,
  toX,
  toY,
  began,
  lasts,
  fromTurn,
  toTurn,
}
const COLUMNS = 8;

export class MovingPoints<Style> {
  /** Until when something is still under way. */
  movingUntil = 0;
  private numbers = new Float64Array(64 * COLUMNS);
  private readonly styles: Style[] = [];
  private readonly ids: string[] = [];
  private readonly slots = new Map<string, number>();

  /** `still`: nothing glides, for who wants no motion. */
  constructor(private readonly still = false) {}

  get count(): number {
    return this.ids.length;
  }

  put(id: string, report: Report<Style>, now: number): void {
    const known = this.slots.get(id);
    const slot = known ?? this.add(id);
    const at = slot * COLUMNS;
    const n = this.numbers;
    const [x, y] = project(report.longitude, report.latitude);
    this.styles[slot] = report.style;
    if (known === undefined) {
      n.set([x, y, x, y, now, 0, report.heading, report.heading], at);
      return;
    }
    const turn = n[at + Column.toTurn] ?? 0;
    if (x !== n[at + Column.toX] || y !== n[at + Column.toY]) {
      const [fromX, fromY] = this.placeOf(slot, now);
      const leap = this.still || Math.hypot(x - fromX, y - fromY) > LEAP;
      const glide = leap ? 0 : clamp(now - (n[at + Column.began] ?? 0), SHORTEST_GLIDE_MS, LONGEST_GLIDE_MS);
      n.set([leap ? x : fromX, leap ? y : fromY, x, y, now, glide], at);
      this.movingUntil = Math.max(this.movingUntil, now + glide);
    }
    n[at + Column.fromTurn] = turn;
    n[at + Column.toTurn] = turn + shortestTurn(turn, report.heading);
  }

  remove(id: string): void {
    const slot = this.slots.get(id);
    if (slot === undefined) return;
    const last = this.ids.length - 1;
    const lastId = this.ids[last];
    const lastStyle = this.styles[last];
    if (slot !== last && lastId !== undefined && lastStyle !== undefined) {
      this.numbers.copyWithin(slot * COLUMNS, last * COLUMNS, (last + 1) * COLUMNS);
      this.slots.set(lastId, slot);
      this.ids[slot] = lastId;
      this.styles[slot] = lastStyle;
    }
    this.ids.pop();
    this.styles.pop();
    this.slots.delete(id);
  }

  /** Where a thing is now. */
  find(id: string, now: number): [number, number] | null {
    const slot = this.slots.get(id);
    return slot === undefined ? null : this.placeOf(slot, now);
  }

  /** Visits everything within a box. */
  within([west, north, east, south]: Box, now: number, visit: Visit<Style>): void {
    const n = this.numbers;
    for (let slot = 0; slot < this.ids.length; slot += 1) {
      const at = slot * COLUMNS;
      const part = this.part(at, now);
      const x = mix(n[at + Column.fromX] ?? 0, n[at + Column.toX] ?? 0, part);
      const y = mix(n[at + Column.fromY] ?? 0, n[at + Column.toY] ?? 0, part);
      if (x < west || x > east || y < north || y > south) continue;
      const heading = mix(n[at + Column.fromTurn] ?? 0, n[at + Column.toTurn] ?? 0, part);
      visit(this.ids[slot] as string, x, y, heading, this.styles[slot] as Style);
    }
  }

  private placeOf(slot: number, now: number): [number, number] {
    const n = this.numbers;
    const at = slot * COLUMNS;
    const part = this.part(at, now);
    return [
      mix(n[at + Column.fromX] ?? 0, n[at + Column.toX] ?? 0, part),
      mix(n[at + Column.fromY] ?? 0, n[at + Column.toY] ?? 0, part),
    ];
  }

  private part(at: number, now: number): number {
    const lasts = this.numbers[at + Column.lasts] ?? 0;
    return lasts > 0 ? clamp((now - (this.numbers[at + Column.began] ?? 0)) / lasts, 0, 1) : 1;
  }

  private add(id: string): number {
    const slot = this.ids.length;
    if ((slot + 1) * COLUMNS > this.numbers.length) {
      const larger = new Float64Array(this.numbers.length * 2);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    this.slots.set(id, slot);
    this.ids.push(id);
    return slot;
  }
}

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

function mix(from: number, to: number, part: number): number {
  return from + (to - from) * part;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
