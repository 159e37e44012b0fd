// The incidents on the screen, and what people do to them. Every step carries the version that the person saw.

import type { Client } from '$lib/api/client';
import type { Change } from '$lib/api/live';
import { SEVERITIES, type Incident, type Status, type TimelineEntry } from '$lib/api/model';
import { gather } from '$lib/ui/debounce';

/** What can be done to an incident: the last part of the address. */
export type Step =
  'acknowledge' | 'start' | 'assign' | 'resolve' | 'close' | 'reopen' | 'comment' | 'severity' | 'tasks';

/** Which steps make sense in which state; whether the person may take them the city decides. */
export const STEPS: Record<Status, Step[]> = {
  new: ['acknowledge', 'assign', 'start', 'close'],
  acknowledged: ['start', 'assign', 'resolve', 'close'],
  in_progress: ['resolve', 'assign', 'close'],
  resolved: ['close', 'reopen'],
  closed: ['reopen'],
};

export class IncidentBook {
  all = $state.raw<Incident[]>([]);
  loaded = $state(false);
  problem = $state.raw<unknown>(null);
  /** Moves whenever an incident or one of its tasks changed: whoever shows one looks again. */
  revision = $state(0);
  private readonly reload = gather(400, () => {
    this.revision += 1;
    void this.load();
  });

  constructor(private readonly client: Client) {}

  /** Those that are not closed, the gravest first. */
  get open(): Incident[] {
    return this.all.filter(isOpen).sort(byUrgency);
  }

  stale(_change: Change): void {
    this.reload();
  }

  async load(): Promise<void> {
    try {
      const answer = await this.client.get<Incident[]>('/api/v1/incidents', { query: { limit: 200 } });
      this.all = answer;
      this.loaded = true;
      this.problem = null;
    } catch (problem) {
      this.problem = problem;
    }
  }

  get(id: string): Promise<Incident> {
    return this.client.get<Incident>(path(id));
  }

  timeline(id: string): Promise<TimelineEntry[]> {
    return this.client.get<TimelineEntry[]>(`${path(id)}/timeline`);
  }

  create(fresh: Record<string, unknown>): Promise<Incident> {
    return this.client.post<Incident>('/api/v1/incidents', fresh);
  }

  /** Takes a step on the incident as the person saw it; a Problem 409 says that somebody was first. */
  act(incident: Incident, step: Step, body: Record<string, unknown> = {}): Promise<Incident> {
    return this.client.post<Incident>(`${path(incident.id)}/${step}`, { version: incident.version, ...body });
  }

  finish(incident: Incident, task: string, done: boolean): Promise<Incident> {
    return this.client.patch<Incident>(`${path(incident.id)}/tasks/${encodeURIComponent(task)}`, {
      version: incident.version,
      done,
    });
  }
}

export function isOpen(incident: Incident): boolean {
  return incident.status !== 'closed';
}

export function byUrgency(a: Incident, b: Incident): number {
  const settled = (incident: Incident) => (incident.status === 'resolved' ? 1 : 0);
  return (
    settled(a) - settled(b) ||
    SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) ||
    Date.parse(b.created_at) - Date.parse(a.created_at)
  );
}

function path(id: string): string {
  return `/api/v1/incidents/${encodeURIComponent(id)}`;
}
