// How the city itself is doing, as the status page asks for it.

export interface Feed {
  name: string;
  connector: string;
  state: string;
  received: number;
  accepted: number;
  dead: number;
  rate_per_s: number;
  last_at: string | null;
  error: string | null;
}

export interface CityStatus {
  uptime_s: number;
  entities: number;
  types: Record<string, number>;
  subscriptions: number;
  incidents_open: number;
  alerts_active: number;
  messages_per_s: number;
  feeds: Feed[];
  stream: { state: string; lag: number };
  consumers: { name: string; lag: number; failures: number }[];
  rules: { loaded: number; failed: number; errors: unknown[] };
  memory_mb: number;
}

export type Tone = 'success' | 'info' | 'warning' | 'danger';

/** What a feed's state means to the eye. */
export function toneOf(state: string): Tone {
  return (
    (
      {
        live: 'success',
        connecting: 'info',
        silent: 'warning',
        failing: 'danger',
        stopped: 'info',
      } as Record<string, Tone>
    )[state] ?? 'info'
  );
}
