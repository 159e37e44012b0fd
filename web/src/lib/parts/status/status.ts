// How figures of the status page are displayed.

import type { FeedState } from '$lib/api/model';

export type Tone = 'success' | 'info' | 'warning' | 'danger';

const TONES: Record<FeedState, Tone> = {
  live: 'success',
  connecting: 'info',
  degraded: 'warning',
  silent: 'warning',
  failing: 'danger',
  waiting: 'info',
  ended: 'info',
  stopped: 'info',
};

export function toneOf(state: FeedState): Tone {
  return TONES[state] ?? 'info';
}
