// The people's API in TypeScript's words.

export interface Titled {
  de: string;
  en: string;
}

export interface Actor {
  id: string;
  name: string;
  roles: string[];
  agency: string | null;
}

export interface SessionState {
  actor: Actor;
  must_change_password?: boolean;
}

export interface Mark {
  attribute: string;
  title: Titled;
}

/** How things of some types are drawn; packs write these as plain JSON. */
export interface Layer {
  id: string;
  title: Titled;
  types: string[];
  geometry: 'point' | 'line' | 'polygon';
  icon?: string | null;
  color: string;
  label?: string | null;
  rotate?: string[] | null;
  visible: boolean;
  min_zoom?: number;
  order: number;
  panel: string[];
  chart?: string | null;
  marks?: Mark[];
  color_by?: { attribute: string; colors: Record<string, string> } | null;
}

export interface PackWords {
  title?: string;
  description?: string;
  types?: Record<string, string>;
  attributes?: Record<string, string>;
  values?: Record<string, Record<string, string>>;
}

export interface Pack {
  name: string;
  title?: string | Titled;
  version?: string;
  texts?: Partial<Record<'de' | 'en', PackWords>>;
}

export interface Agency {
  id: string;
  name: string;
}

export interface City {
  name: string;
  tenant: string;
  bbox: [number, number, number, number] | null;
  centre: [number, number] | null;
  zoom: number;
  tiles_url: string | null;
  languages: string[];
  packs: Pack[];
  layers: Layer[];
  agencies: Agency[];
  version: string;
  access: string;
}

export type Severity = 'informational' | 'low' | 'medium' | 'high' | 'critical';
export const SEVERITIES: Severity[] = ['informational', 'low', 'medium', 'high', 'critical'];

export type Status = 'new' | 'acknowledged' | 'in_progress' | 'resolved' | 'closed';
export const STATUSES: Status[] = ['new', 'acknowledged', 'in_progress', 'resolved', 'closed'];

export interface Evidence {
  entity?: string;
  attribute?: string;
  value?: unknown;
  unitCode?: string;
  observedAt?: string;
  quality?: string;
  previous?: { value?: unknown; observedAt?: string } | null;
  window?: string;
  [more: string]: unknown;
}

export interface Alert {
  id: string;
  status: string;
  severity: string;
  category: string;
  sub_category: string | null;
  title: Record<string, string>;
  message: Record<string, string>;
  entity: unknown;
  location: Record<string, unknown> | null;
  issued_at: string;
  valid_from: string | null;
  valid_to: string | null;
  last_seen: string | null;
  resolved_at: string | null;
  resolution: string | null;
  occurrences: number;
  rule: string | null;
  rule_version: number | null;
  evidence: Evidence[];
  simulated: boolean;
  calls_for_incident: boolean;
  incident: string | null;
}

export interface Page<T> {
  items: T[];
  total: number;
  more: boolean;
}

export interface Task {
  id: string;
  title: string;
  done: boolean;
  assignee: string;
  done_at: string | null;
  done_by: string | null;
}

/** What may be done to an incident; which of it the person may do now, the city says in `allowed`. */
export type Act =
  | 'acknowledge'
  | 'start'
  | 'assign'
  | 'severity'
  | 'describe'
  | 'comment'
  | 'add_task'
  | 'change_task'
  | 'resolve'
  | 'close'
  | 'reopen';

export const CLOSING_REASONS = [
  'resolved',
  'false_alarm',
  'no_action',
  'duplicate',
  'handed_over',
  'test',
] as const;
export type ClosingReason = (typeof CLOSING_REASONS)[number];

export interface Incident {
  id: string;
  version: number;
  title: string;
  description: string;
  category: string;
  severity: Severity;
  status: Status;
  closing_reason: ClosingReason | null;
  duplicate_of: string | null;
  resolution: string | null;
  location: Record<string, unknown> | null;
  address: string | null;
  agency: string | null;
  assignee: string | null;
  alerts: string[];
  tasks: Task[];
  simulated: boolean;
  created_at: string;
  modified_at: string;
  acknowledged_at: string | null;
  alerts_over_at: string | null;
  allowed: Act[];
}

export interface TimelineEvent {
  at: string;
  actor: string;
  actor_name: string;
  act: string;
  note: string;
  texts: Record<string, string>;
}
