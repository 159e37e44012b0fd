// The alerts on the screen: asked for once, asked for again when the feed says that one changed.

import type { Client } from '$lib/api/client';
import type { Change } from '$lib/api/live';
import { SEVERITIES, type Alert, type Page, type Severity } from '$lib/api/model';
import { gather } from '$lib/ui/debounce';
import { Turns } from '$lib/ui/turns';

/** The newest so many are on the screen. */
const MOST = 500;

export class AlertBook {
  all = $state.raw<Alert[]>([]);
  loaded = $state(false);
  problem = $state.raw<unknown>(null);
  /** Hears of alerts that were not there before. */
  onRaised: (alerts: Alert[]) => void = () => {};
  private readonly known = new Set<string>();
  private readonly turns = new Turns();
  private readonly reload = gather(400, () => void this.load());

  constructor(private readonly client: Client) {}

  /** Those that still hold, the gravest first. */
  get active(): Alert[] {
    return this.all.filter(isActive).sort(byGravity);
  }

  find(id: string): Alert | undefined {
    return this.all.find((alert) => alert.id === id);
  }

  stale(_change: Change): void {
    this.reload();
  }

  async load(): Promise<void> {
    const isLast = this.turns.begin();
    try {
      const { items: alerts } = await this.client.get<Page<Alert>>('/api/v1/alerts', {
        query: { limit: MOST },
      });
      if (!isLast()) return;
      const fresh = this.loaded ? alerts.filter((alert) => isActive(alert) && !this.known.has(alert.id)) : [];
      for (const alert of alerts) this.known.add(alert.id);
      this.all = alerts;
      this.loaded = true;
      this.problem = null;
      if (fresh.length) this.onRaised(fresh);
    } catch (problem) {
      if (isLast()) this.problem = problem;
    }
  }

  /** Makes an incident of an alert and gives the incident's id. */
  async makeIncident(alert: Alert): Promise<string> {
    const incident = await this.client.post<{ id: string }>(
      `/api/v1/alerts/${encodeURIComponent(alert.id)}/incident`,
      {},
    );
    await this.load();
    return incident.id;
  }
}

export function isActive(alert: Alert): boolean {
  return alert.status === 'active';
}

export function byGravity(a: Alert, b: Alert): number {
  const rank = (alert: Alert) => SEVERITIES.indexOf(alert.severity as Severity);
  return rank(b) - rank(a) || Date.parse(onsetOf(b)) - Date.parse(onsetOf(a));
}

/** Since when it holds. */
export function onsetOf(alert: Alert): string {
  return alert.valid_from ?? alert.issued_at;
}

/** The entity that it is about, if it names one. */
export function subjectOf(alert: Alert): string | null {
  const first: unknown = Array.isArray(alert.entity) ? alert.entity[0] : alert.entity;
  return typeof first === 'string' && first.includes(':') ? first : null;
}
