// The live feed: one WebSocket that always finds its way back and never skips a change.
//
// The client remembers the cursor of the last change it saw and asks for what came after it when it connects again.
// Where the city no longer has those changes it answers `resync`, and the owner must query afresh.

import type { Entity } from './entities';

export interface Change {
  seq: number;
  kind: 'created' | 'updated' | 'deleted';
  id: string;
  type: string[];
  at: string;
  changed: string[];
  entity: Entity | null;
}

type Message =
  | { type: 'hello'; cursor: number }
  | { type: 'changes'; cursor: number; changes: Change[] }
  | { type: 'resync'; cursor: number }
  | { type: 'ping' }
  | { type: 'error'; detail?: string };

export type Connection = 'connecting' | 'live' | 'lost';

export interface Listener {
  onChanges(changes: Change[]): void;
  /** What was missed is not to be had: query again. */
  onResync(): void;
  onConnection(state: Connection): void;
  /** The city lets nobody look any more: the session has ended. */
  onRefused(): void;
}

/** What of the browser the feed needs; a test gives its own. */
export interface Platform {
  open(address: string): WebSocket;
  after(milliseconds: number, call: () => void): () => void;
  random(): number;
}

export const browser: Platform = {
  open: (address) => new WebSocket(address),
  after: (milliseconds, call) => {
    const timer = setTimeout(call, milliseconds);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};

/** The city pings each 15 s: after three silent pings the line is dead, whatever the socket believes. */
export const SILENCE_MS = 45_000;
/** Close codes that say why one may not look: not signed in, not allowed. */
const REFUSED = [4401, 4403];
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

export class LiveFeed {
  private socket: WebSocket | null = null;
  private cursor: number | null = null;
  private failures = 0;
  private stopped = true;
  private stopTimer: () => void = () => {};

  constructor(
    private readonly address: string,
    private readonly types: string[],
    private readonly listener: Listener,
    private readonly platform: Platform = browser,
  ) {}

  start(): void {
    this.stopped = false;
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.stopTimer();
    this.drop();
  }

  /** Tries at once instead of waiting out the pause: the network came back, or a person asked. */
  retry(): void {
    if (this.stopped || this.socket) return;
    this.stopTimer();
    this.connect();
  }

  private connect(): void {
    this.listener.onConnection('connecting');
    const socket = this.platform.open(this.address);
    this.socket = socket;
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: 'subscribe', types: this.types, bbox: null, after: this.cursor }));
      this.expectSign();
    };
    socket.onmessage = (event) => {
      this.expectSign();
      this.hear(JSON.parse(String(event.data)) as Message);
    };
    socket.onclose = (event) => {
      if (REFUSED.includes(event.code)) this.listener.onRefused();
      this.lose();
    };
    this.expectSign();
  }

  private hear(message: Message): void {
    if (message.type === 'hello') {
      this.failures = 0;
      this.cursor ??= message.cursor;
      this.listener.onConnection('live');
    } else if (message.type === 'changes') {
      const fresh = message.changes.filter((change) => change.seq > (this.cursor ?? -1));
      this.cursor = Math.max(this.cursor ?? 0, message.cursor);
      if (fresh.length) this.listener.onChanges(fresh);
    } else if (message.type === 'resync') {
      this.cursor = message.cursor;
      this.listener.onResync();
    }
  }

  private expectSign(): void {
    this.stopTimer();
    this.stopTimer = this.platform.after(SILENCE_MS, () => this.lose());
  }

  private lose(): void {
    this.drop();
    if (this.stopped) return;
    this.failures += 1;
    this.listener.onConnection('lost');
    this.stopTimer();
    this.stopTimer = this.platform.after(this.pause(), () => this.connect());
  }

  /** Doubles up to a quarter of a minute, spread so that a whole control room does not return in one instant. */
  private pause(): number {
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.failures - 1, 10));
    return wait * (0.5 + this.platform.random() / 2);
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

/** The feed's address beside the page's own. */
export function feedAddress(page: Location): string {
  return `${page.protocol === 'https:' ? 'wss:' : 'ws:'}//${page.host}/live`;
}
