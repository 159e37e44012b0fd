// The live feed: one WebSocket that reconnects by itself and never skips a change.
//
// The client remembers the cursor of the last change it received and asks for what came after it when it connects again.
// Where the server no longer has those changes it sends `resync`, and the owner must query again.

import type { Entity } from './entities';
import type { Box } from './geometry';

export interface Change {
  seq: number;
  kind: 'created' | 'updated' | 'deleted';
  id: string;
  type: string[];
  at: string;
  changed: string[];
  entity: Entity | null;
  /** The entity has just left the box. */
  left?: boolean;
}

/** Which changes are wanted: of types within a box (null: everywhere), and of types and entities wherever they are. */
export interface LiveFilter {
  types: string[];
  bbox: Box | null;
  everywhere: string[];
  ids: string[];
}

type Message =
  | { type: 'hello'; cursor: number }
  | { type: 'changes'; cursor: number; changes: Change[] }
  | { type: 'subscribed'; cursor: number }
  | { type: 'resync'; cursor: number }
  | { type: 'city' }
  | { type: 'ping' }
  | { type: 'error'; detail?: string };

export type Connection = 'connecting' | 'live' | 'lost';

export interface Listener {
  onChanges(changes: Change[]): void;
  /** The filter is in force: what is queried now misses nothing. */
  onSubscribed(): void;
  /** What was missed is not available any more: query again. */
  onResync(): void;
  /** What the city shows may be another: layers, texts, rules. */
  onCity(): void;
  onConnection(state: Connection): void;
  /** The session has ended. */
  onRefused(): void;
}

/** What the feed needs of the browser; a test provides its own. */
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

/** The server pings each 15 s: after three missing pings the connection is given up. */
export const SILENCE_MS = 45_000;
/** Close codes: not signed in, not allowed. */
const REFUSED = [4401, 4403];
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

export class LiveFeed {
  private socket: WebSocket | null = null;
  private cursor: number | null = null;
  private opened = false;
  private unconfirmed = 0;
  private failures = 0;
  private stopped = true;
  private stopTimer: () => void = () => {};

  constructor(
    private readonly address: string,
    private filter: LiveFilter,
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

  /** Changes the filter from now on; `onSubscribed` is called when it is in force. */
  follow(filter: LiveFilter): void {
    this.filter = filter;
    if (this.socket && this.opened) this.subscribe(this.socket, null);
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
      this.opened = true;
      this.unconfirmed = 0;
      this.subscribe(socket, this.cursor);
      this.expectMessage();
    };
    socket.onmessage = (event) => {
      this.expectMessage();
      this.receive(JSON.parse(String(event.data)) as Message);
    };
    socket.onclose = (event) => {
      if (REFUSED.includes(event.code)) this.listener.onRefused();
      this.reconnect();
    };
    this.expectMessage();
  }

  private subscribe(socket: WebSocket, after: number | null): void {
    this.unconfirmed += 1;
    socket.send(JSON.stringify({ type: 'subscribe', ...this.filter, after }));
  }

  private receive(message: Message): void {
    if (message.type === 'hello') {
      this.failures = 0;
      // The city may have been reloaded, or started anew, meanwhile.
      if (this.cursor !== null) this.listener.onCity();
      this.cursor ??= message.cursor;
      this.listener.onConnection('live');
    } else if (message.type === 'changes') {
      const fresh = message.changes.filter((change) => change.seq > (this.cursor ?? -1));
      this.cursor = Math.max(this.cursor ?? 0, message.cursor);
      if (fresh.length) this.listener.onChanges(fresh);
    } else if (message.type === 'subscribed') {
      this.unconfirmed -= 1;
      if (!this.unconfirmed) this.listener.onSubscribed();
    } else if (message.type === 'resync') {
      this.cursor = message.cursor;
      this.listener.onResync();
    } else if (message.type === 'city') {
      this.listener.onCity();
    }
  }

  private expectMessage(): void {
    this.stopTimer();
    this.stopTimer = this.platform.after(SILENCE_MS, () => this.reconnect());
  }

  private reconnect(): void {
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
    this.opened = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

/** The feed's address beside the page's own. */
export function feedAddress(page: Location): string {
  return `${page.protocol === 'https:' ? 'wss:' : 'ws:'}//${page.host}/live`;
}
