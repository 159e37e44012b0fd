// The alerts on the screen: loaded once, and again after the live feed reported a change.

import { SEVERITIES, type Alert, type Page, type Severity } from '$lib/api/model';
import type { AppContext } from '$lib/ui/context';
import { gather } from '$lib/ui/debounce';
import { link } from '$lib/ui/router.svelte';
import { LatestRequest } from '$lib/ui/latest';

/** The newest so many are on the screen. */
const MOST = 500;
const MINOR = ['informational', 'low'];
/** A notice of these stays until somebody has seen it. */
const URGENT = ['high', 'critical'];

export class AlertStore {
  all = $state.raw<Alert[]>([]);
  loaded = $state(false);
  problem = $state.raw<unknown>(null);
  /** The severity in which an alert was announced last, by id. */
  private readonly known = new Map<string, string>();
  private readonly latest = new LatestRequest();
  private readonly reload = gather(400, () => void this.load());

  constructor(private readonly app: Pick<AppContext, 'client' | 'announcer' | 'texts' | 'registry'>) {}

  /** Those that still hold and are not suppressed, the gravest first. */
  get active(): Alert[] {
    return this.filtered('active');
  }

  /** Those of a filter: the gravest first, of all of them the newest. */
  filtered(filter: AlertFilter): Alert[] {
    const found = this.all.filter(MATCHES[filter]);
    return filter === 'all' ? found.sort(byOnset) : found.sort(byGravity);
  }

  /** Does what a person does to an alert. */
  async act(alert: Alert, act: AlertAct, body: Record<string, unknown>): Promise<void> {
    await this.app.client.post(`/api/v1/alerts/${encodeURIComponent(alert.id)}/${act}`, body);
    await this.load();
  }

  find(id: string): Alert | undefined {
    return this.all.find((alert) => alert.id === id);
  }

  changed(): void {
    this.reload();
  }

  async load(): Promise<void> {
    const isLast = this.latest.begin();
    try {
      const { items: alerts } = await this.app.client.get<Page<Alert>>('/api/v1/alerts', {
        query: { limit: MOST },
      });
      if (!isLast()) return;
      const heard = alerts.filter((alert) => isActive(alert) && !isQuiet(alert));
      const active = this.loaded ? heard : [];
      const fresh = active.filter((alert) => !this.known.has(alert.id));
      const worse = active.filter((alert) => rankOf(alert.severity) > rankOf(this.known.get(alert.id)));
      // One that is suppressed is announced again when it no longer is.
      for (const alert of alerts) this.known.delete(alert.id);
      for (const alert of heard) this.known.set(alert.id, alert.severity);
      this.all = alerts;
      this.loaded = true;
      this.problem = null;
      this.announce(fresh, 'raised');
      this.announce(worse, 'worse');
    } catch (problem) {
      if (isLast()) this.problem = problem;
    }
  }

  /** Creates the incident of an alert and returns its id. */
  async makeIncident(alert: Alert): Promise<string> {
    const incident = await this.app.client.post<{ id: string }>(
      `/api/v1/alerts/${encodeURIComponent(alert.id)}/incident`,
      {},
    );
    await this.load();
    return incident.id;
  }

  /** Announces alerts that are new or more severe than before; minor ones only count up. */
  private announce(raised: Alert[], what: 'raised' | 'worse'): void {
    const { announcer, texts, registry } = this.app;
    const severe = raised.filter((alert) => !MINOR.includes(alert.severity));
    const [first] = severe;
    if (!first) return;
    const tone = severe.some((alert) => alert.severity === 'critical') ? 'danger' : 'warning';
    const stays = severe.some((alert) => URGENT.includes(alert.severity));
    if (severe.length > 1) {
      announcer.say(
        tone,
        texts.count(what === 'raised' ? 'alerts.manyRaised' : 'alerts.manyWorse', severe.length),
        { href: link('alerts'), stays },
      );
    } else {
      const text = texts.say(`alerts.${what}`, { title: texts.titled(first.title) });
      announcer.say(tone, text, { href: registry.hrefOf('Alert', first.id), stays });
    }
  }
}

/** What people do to an alert, as in the API. */
export type AlertAct = 'acknowledge' | 'shelve' | 'unshelve' | 'clear';

export const FILTERS = ['active', 'unacknowledged', 'acknowledged', 'shelved', 'silenced', 'all'] as const;
export type AlertFilter = (typeof FILTERS)[number];
const MATCHES: Record<AlertFilter, (alert: Alert) => boolean> = {
  active: (alert) => isActive(alert) && !isQuiet(alert),
  unacknowledged: (alert) => isActive(alert) && !isQuiet(alert) && !alert.acknowledged_at,
  acknowledged: (alert) => isActive(alert) && !isQuiet(alert) && !!alert.acknowledged_at,
  shelved: (alert) => isActive(alert) && !!alert.shelved_until,
  silenced: (alert) => isActive(alert) && alert.suppressed_by.length > 0,
  all: () => true,
};

/** Whether an alert is suppressed: it raises no notice. */
export function isQuiet(alert: Alert): boolean {
  return !!alert.shelved_until || alert.suppressed_by.length > 0;
}

/** The key of the word for an alert's state. */
export function stateOf(alert: Alert) {
  if (!isActive(alert)) return alert.resolved_by ? 'alerts.cleared' : 'alerts.over';
  if (alert.shelved_until) return 'alerts.shelved';
  if (alert.suppressed_by.length) return 'alerts.silenced';
  return alert.acknowledged_at ? 'alerts.acknowledged' : 'alerts.active';
}

export function isActive(alert: Alert): boolean {
  return alert.status === 'active';
}

/** The position in the scale; an alert that was not known before is worse than none of its own. */
function rankOf(severity: string | undefined): number {
  return severity === undefined ? Infinity : SEVERITIES.indexOf(severity as Severity);
}

export function byGravity(a: Alert, b: Alert): number {
  return rankOf(b.severity) - rankOf(a.severity) || Date.parse(onsetOf(b)) - Date.parse(onsetOf(a));
}

function byOnset(a: Alert, b: Alert): number {
  return Date.parse(onsetOf(b)) - Date.parse(onsetOf(a));
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
