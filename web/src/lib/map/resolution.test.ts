import { describe, expect, test } from 'vitest';
import { AdaptiveResolution, type BaseMap } from './resolution';

/** A map that is moved by hand, and a clock that a test advances. */
class Table implements BaseMap {
  ratios: number[] = [];
  now = 0;
  private moving = false;
  private readonly listeners: Record<string, () => void> = {};
  private due: [number, () => void] | null = null;
  isMoving = (): boolean => this.moving;
  paintAt = (ratio: number): void => void this.ratios.push(ratio);
  on = (event: string, listener: () => void): void => void (this.listeners[event] = listener);

  constructor() {
    new AdaptiveResolution(this, () => 1, {
      now: () => this.now,
      soon: (call) => call(),
      after: (wait, call) => {
        this.due = [this.now + wait, call];
        return () => (this.due = null);
      },
    });
  }

  move(frames: number, apart: number): void {
    this.moving = true;
    this.listeners['movestart']?.();
    for (let i = 0; i < frames; i += 1) this.wait(apart, () => this.listeners['render']?.());
    this.moving = false;
    this.listeners['moveend']?.();
  }

  wait(milliseconds: number, then: () => void = () => {}): void {
    this.now += milliseconds;
    if (this.due && this.due[0] <= this.now) {
      const [, call] = this.due;
      this.due = null;
      call();
    }
    then();
  }
}

describe('the ground', () => {
  test('stays sharp where the machine keeps up', () => {
    const table = new Table();
    table.move(100, 17);
    table.wait(1000);
    expect(table.ratios).toEqual([]);
  });

  test('is coarse while a slow machine moves it, and sharp once it rests', () => {
    const table = new Table();
    table.move(10, 90);
    expect(table.ratios).toEqual([0.5]);
    table.wait(300);
    expect(table.ratios).toEqual([0.5, 1]);
  });

  test('is coarse from the start of the next move, and tried in full again after a while', () => {
    const table = new Table();
    table.move(10, 90);
    table.wait(300);
    table.move(1, 10);
    table.wait(300);
    expect(table.ratios).toEqual([0.5, 1, 0.5, 1]);
    table.wait(120_000);
    table.move(10, 17);
    expect(table.ratios).toEqual([0.5, 1, 0.5, 1]);
  });

  test('does not turn sharp between two strokes of one hand', () => {
    const table = new Table();
    table.move(10, 90);
    table.wait(100);
    table.move(3, 50);
    table.wait(100);
    expect(table.ratios).toEqual([0.5]);
  });
});
