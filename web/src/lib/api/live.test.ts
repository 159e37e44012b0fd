import { beforeEach, describe, expect, test } from 'vitest';
import { LiveFeed, SILENCE_MS, type Change, type Connection, type Platform } from './live';

/** The browser's part played by hand: sockets that the test opens and closes, time that the test lets pass. */
class Stage implements Platform {
  sockets: Played[] = [];
  private waiting: { at: number; call: () => void }[] = [];
  private now = 0;

  open(): WebSocket {
    const socket = new Played();
    this.sockets.push(socket);
    return socket as unknown as WebSocket;
  }
  after(milliseconds: number, call: () => void): () => void {
    const entry = { at: this.now + milliseconds, call };
    this.waiting.push(entry);
    return () => (this.waiting = this.waiting.filter((each) => each !== entry));
  }
  random(): number {
    return 1;
  }
  pass(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (;;) {
      const next = this.waiting.filter((each) => each.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.waiting = this.waiting.filter((each) => each !== next);
      this.now = next.at;
      next.call();
    }
    this.now = end;
  }
  get last(): Played {
    return this.sockets.at(-1) as Played;
  }
}

class Played {
  sent: Record<string, unknown>[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(): void {
    this.closed = true;
  }
  accept(cursor: number): void {
    this.onopen?.();
    this.say({ type: 'hello', cursor });
  }
  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  break(code = 1006): void {
    this.onclose?.({ code });
  }
}

const change = (seq: number): Change => ({
  seq,
  kind: 'updated',
  id: 'urn:ngsi-ld:Vessel:1',
  type: ['Vessel'],
  at: '2026-11-22T12:00:00Z',
  changed: ['location'],
  entity: { id: 'urn:ngsi-ld:Vessel:1', type: 'Vessel' },
});

const FILTER = { types: ['Vessel'], bbox: null, everywhere: ['Alert'], ids: [] };

let stage: Stage;
let received: Change[];
let states: Connection[];
let reloads = 0;
let resyncs: number;
let refusals: number;
let confirmed: number;
let feed: LiveFeed;

beforeEach(() => {
  stage = new Stage();
  received = [];
  states = [];
  resyncs = refusals = confirmed = 0;
  feed = new LiveFeed(
    'ws://city/live',
    FILTER,
    {
      onChanges: (changes) => received.push(...changes),
      onSubscribed: () => (confirmed += 1),
      onResync: () => (resyncs += 1),
      onCity: () => (reloads += 1),
      onConnection: (state) => states.push(state),
      onRefused: () => (refusals += 1),
    },
    stage,
  );
  feed.start();
});

describe('the live feed', () => {
  test('subscribes without a cursor at first, and receives changes', () => {
    stage.last.accept(10);
    stage.last.say({ type: 'changes', cursor: 12, changes: [change(11), change(12)] });
    expect(stage.last.sent).toEqual([{ type: 'subscribe', ...FILTER, after: null }]);
    expect(received.map((each) => each.seq)).toEqual([11, 12]);
    expect(states).toEqual(['connecting', 'live']);
  });

  test('asks after a break for what came since the last change it saw', () => {
    stage.last.accept(10);
    stage.last.say({ type: 'changes', cursor: 14, changes: [change(14)] });
    stage.last.break();
    expect(states.at(-1)).toBe('lost');
    stage.pass(1000);
    stage.last.accept(99);
    expect(stage.sockets).toHaveLength(2);
    expect(stage.last.sent[0]).toMatchObject({ after: 14 });
  });

  test('takes another filter without a cursor, and says when the last one is in force', () => {
    stage.last.accept(10);
    stage.last.say({ type: 'subscribed', cursor: 10 });
    expect(confirmed).toBe(1);
    feed.follow({ ...FILTER, bbox: [6, 51, 7, 52] });
    feed.follow({ ...FILTER, bbox: [5, 51, 7, 52] });
    expect(stage.last.sent.slice(1).map((each) => [each['bbox'], each['after']])).toEqual([
      [[6, 51, 7, 52], null],
      [[5, 51, 7, 52], null],
    ]);
    stage.last.say({ type: 'subscribed', cursor: 11 });
    expect(confirmed).toBe(1);
    stage.last.say({ type: 'subscribed', cursor: 11 });
    expect(confirmed).toBe(2);
  });

  test('does not report a change twice', () => {
    stage.last.accept(10);
    stage.last.say({ type: 'changes', cursor: 12, changes: [change(11), change(12)] });
    stage.last.say({ type: 'changes', cursor: 13, changes: [change(12), change(13)] });
    expect(received.map((each) => each.seq)).toEqual([11, 12, 13]);
  });

  test('has its owner query afresh where the city no longer knows what was missed', () => {
    stage.last.accept(10);
    stage.last.say({ type: 'resync', cursor: 500 });
    stage.last.say({ type: 'changes', cursor: 501, changes: [change(501)] });
    expect(resyncs).toBe(1);
    expect(received.map((each) => each.seq)).toEqual([501]);
  });

  test('takes up the count of a city that began anew', () => {
    stage.last.accept(900);
    stage.last.say({ type: 'resync', cursor: 3 });
    stage.last.say({ type: 'changes', cursor: 4, changes: [change(4)] });
    expect(received.map((each) => each.seq)).toEqual([4]);
  });

  test('waits longer after each failure, up to a quarter of a minute', () => {
    const waits = [500, 1000, 2000, 4000, 8000, 15_000, 15_000];
    for (const [index, wait] of waits.entries()) {
      stage.last.break();
      stage.pass(wait - 1);
      expect(stage.sockets).toHaveLength(index + 1);
      stage.pass(1);
      expect(stage.sockets).toHaveLength(index + 2);
    }
  });

  test('gives up a connection on which nothing is received, not even a ping', () => {
    stage.last.accept(10);
    stage.pass(SILENCE_MS - 1);
    stage.last.say({ type: 'ping' });
    stage.pass(SILENCE_MS - 1);
    expect(stage.sockets).toHaveLength(1);
    stage.pass(1);
    expect(stage.sockets[0]?.closed).toBe(true);
    stage.pass(500);
    expect(stage.sockets).toHaveLength(2);
  });

  test('tries at once when a person asks', () => {
    stage.last.break();
    feed.retry();
    expect(stage.sockets).toHaveLength(2);
    feed.retry();
    expect(stage.sockets).toHaveLength(2);
  });

  test('tells when the session has ended', () => {
    stage.last.break(4401);
    expect(refusals).toBe(1);
  });

  test('stays away once stopped', () => {
    stage.last.accept(10);
    feed.stop();
    stage.pass(120_000);
    expect(stage.sockets).toHaveLength(1);
    expect(stage.last.closed).toBe(true);
  });

  test('the city is looked at again when it says so, and after each new connection', () => {
    const before = reloads;
    stage.last.accept(7);
    expect(reloads).toBe(before);
    stage.last.say({ type: 'city' });
    expect(reloads).toBe(before + 1);
    stage.last.break();
    stage.pass(500);
    stage.last.accept(7);
    expect(reloads).toBe(before + 2);
  });
});
