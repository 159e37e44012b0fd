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
  bbox: [number, number, number, number];
  centre: [number, number];
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

/** A text in one language, or in several. */
export type Said = string | Record<string, string> | null;

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
  title: Said;
  description: Said;
  severity: Severity;
  category: string;
  status: string;
  entity: string | null;
  rule: string;
  rule_version: number | string | null;
  onset: string;
  last_seen: string;
  occurrences: number;
  evidence: Evidence[];
  location: unknown;
  incident: string | null;
  simulated: boolean;
}

export interface Task {
  id: string;
  title: string;
  done: boolean;
  agency?: string | null;
  due_at?: string | null;
  done_at?: string | null;
  done_by?: string | null;
}

export interface Incident {
  id: string;
  version: number;
  title: Said;
  description: Said;
  category: string;
  severity: Severity;
  status: Status;
  closing_reason: string | null;
  location: unknown;
  address: string | null;
  agency: string | null;
  assignee: string | null;
  alerts: string[];
  tasks: Task[];
  created_at: string;
  modified_at: string;
  acknowledged_by: string | null;
  simulated?: boolean;
}

export interface TimelineEntry {
  at: string;
  actor: string;
  kind: string;
  text?: Said;
  [more: string]: unknown;
}

export const CLOSING_REASONS = [
  'resolved',
  'false_alarm',
  'duplicate',
  'no_action_needed',
  'handed_over',
] as const;
