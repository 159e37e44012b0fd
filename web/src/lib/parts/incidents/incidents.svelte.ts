// The incidents on the screen, and what people do to them. Every step carries the version that the person saw.

import { SEVERITIES, type Incident, type Page, type TaskStatus, type TimelineEvent } from '$lib/api/model';
import type { AppContext } from '$lib/ui/context';
import { gather } from '$lib/ui/debounce';
import { LatestRequest } from '$lib/ui/latest';

/** The acts that move an incident, in the order in which they are offered; which are possible, the incident says. */
export const STEPS = ['acknowledge', 'start', 'resolve', 'assign', 'severity', 'close', 'reopen'] as const;
export type Step = (typeof STEPS)[number];
/** The way to the end: the first of these that is possible is the next step. */
export const FORWARD: Step[] = ['acknowledge', 'start', 'resolve', 'close'];
/** Every path that takes a POST for an incident. */
export type IncidentRequest = Step | 'comment' | 'tasks';

/** The newest so many are on the screen. */
const MOST = 500;

export class IncidentStore {
  all = $state.raw<Incident[]>([]);
  loaded = $state(false);
  problem = $state.raw<unknown>(null);
  /** Moves whenever an incident or one of its tasks changed: views of one load it again. */
  revision = $state(0);
  private readonly latest = new LatestRequest();
  private readonly reload = gather(400, () => {
    this.revision += 1;
    void this.load();
  });

  constructor(
    private readonly app: Pick<AppContext, 'client' | 'actor' | 'announcer' | 'texts' | 'registry'>,
  ) {}

  private get client() {
    return this.app.client;
  }

  /** Those that are not closed, the gravest first. */
  get open(): Incident[] {
    return this.all.filter(isOpen).sort(byUrgency);
  }

  changed(): void {
    this.reload();
  }

  titleOf(id: string): string | undefined {
    const found = this.all.find((incident) => incident.id === id);
    return found && this.app.texts.titled(found.titles ?? found.title);
  }

  async load(): Promise<void> {
    const isLast = this.latest.begin();
    try {
      const answer = await this.client.get<Page<Incident>>('/api/v1/incidents', { query: { limit: MOST } });
      if (!isLast()) return;
      this.announce(answer.items);
      this.all = answer.items;
      this.loaded = true;
      this.problem = null;
    } catch (problem) {
      if (isLast()) this.problem = problem;
    }
  }

  /** Announces incidents that are open again, those that follow a closed one, and those that the reader's agency got. */
  private announce(fresh: Incident[]): void {
    if (!this.loaded) return;
    const before = new Map(this.all.map((incident) => [incident.id, incident]));
    for (const incident of fresh) {
      const known = before.get(incident.id);
      const isNew = incident.status === 'new';
      const again = isNew && (known ? isSettled(known) : incident.follows != null);
      const { actor, announcer, texts, registry } = this.app;
      const given =
        Boolean(actor.agency) && incident.agency === actor.agency && known?.agency !== actor.agency;
      if (!again && !given) continue;
      const title = texts.titled(incident.titles ?? incident.title);
      const tone = incident.severity === 'critical' ? 'danger' : 'warning';
      const text = texts.say(again ? 'incidents.again' : 'incidents.given', { title });
      announcer.say(tone, text, {
        href: registry.hrefOf('Incident', incident.id),
        stays: given || isUrgent(incident),
      });
    }
  }

  get(id: string): Promise<Incident> {
    return this.client.get<Incident>(path(id));
  }

  timeline(id: string): Promise<TimelineEvent[]> {
    return this.client.get<TimelineEvent[]>(`${path(id)}/timeline`);
  }

  create(fresh: Record<string, unknown>): Promise<Incident> {
    return this.client.post<Incident>('/api/v1/incidents', fresh);
  }

  /** Takes a step on the incident as the person saw it; a Problem 409 says that somebody was first. */
  act(incident: Incident, step: IncidentRequest, body: Record<string, unknown> = {}): Promise<Incident> {
    return this.client.post<Incident>(`${path(incident.id)}/${step}`, { version: incident.version, ...body });
  }

  changeTask(incident: Incident, task: string, change: { status: TaskStatus }): Promise<Incident> {
    return this.client.patch<Incident>(`${path(incident.id)}/tasks/${encodeURIComponent(task)}`, {
      version: incident.version,
      ...change,
    });
  }
}

export function isOpen(incident: Incident): boolean {
  return incident.status !== 'closed';
}

function isUrgent(incident: Incident): boolean {
  return incident.severity === 'high' || incident.severity === 'critical';
}

function isSettled(incident: Incident): boolean {
  return incident.status === 'resolved' || incident.status === 'closed';
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
