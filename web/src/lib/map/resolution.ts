// The resolution of the base map while it is moved: a machine without a graphics card paints it coarsely, and in full
// once it rests. Only what belongs to a move is looked at; a map at rest is always sharp.

/** What of MapLibre's map is needed. */
export interface BaseMap {
  isMoving(): boolean;
  /** Paints it at once with so many canvas pixels a CSS pixel, whatever hand is on it. */
  paintAt(ratio: number): void;
  on(event: 'movestart' | 'moveend' | 'render', listener: () => void): unknown;
}

export interface Timing {
  now(): number;
  /** Calls when the map is done with what it is at, and before the screen next takes a picture. */
  soon(call: () => void): void;
  after(milliseconds: number, call: () => void): () => void;
}

/** A picture later than this after the one before is late; so many in one move, and the machine finds it hard. */
const LATE_MS = 45;
const LATE_FRAMES = 3;
/** Between two moves of a hand the base map stays as it is. */
const SETTLES_MS = 220;
/** So long is believed that a machine finds it hard: another program may have kept it busy. */
const BELIEVED_MS = 60_000;
const COARSE = 0.5;

export class AdaptiveResolution {
  private coarse = false;
  private hardUntil = -Infinity;
  private late = 0;
  private painted = 0;
  private cancel: () => void = () => {};

  /** `ratio` gives canvas pixels a CSS pixel of the map at rest. */
  constructor(
    private readonly ground: BaseMap,
    private readonly ratio: () => number,
    private readonly timing: Timing,
  ) {
    ground.on('movestart', () => this.begin());
    ground.on('render', () => this.count());
    ground.on('moveend', () => this.end());
  }

  stop(): void {
    this.cancel();
  }

  private begin(): void {
    this.cancel();
    this.late = 0;
    this.painted = this.timing.now();
    if (this.painted < this.hardUntil) this.timing.soon(() => this.paint(true));
  }

  private count(): void {
    const now = this.timing.now();
    const apart = now - this.painted;
    this.painted = now;
    if (this.coarse || !this.ground.isMoving() || apart < LATE_MS) return;
    this.late += 1;
    if (this.late < LATE_FRAMES) return;
    this.hardUntil = now + BELIEVED_MS;
    this.timing.soon(() => this.paint(true));
  }

  private end(): void {
    this.cancel();
    this.cancel = this.timing.after(SETTLES_MS, () => this.paint(false));
  }

  private paint(coarse: boolean): void {
    if (coarse === this.coarse) return;
    this.coarse = coarse;
    this.ground.paintAt(coarse ? this.ratio() * COARSE : this.ratio());
  }
}
