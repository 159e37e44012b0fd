// Types of the API under short names. They come from OpenAPI (`make schema`); only what is free JSON there,
// such as a pack's layer, is typed here.

import type { components } from './schema';

type Schemas = components['schemas'];

export type Actor = Schemas['ActorView'];
export type Agency = Schemas['AgencyView'];
export type Alert = Omit<Schemas['AlertView'], 'evidence'> & { evidence: Evidence[] };
export type Incident = Schemas['IncidentView'];
export type Task = Schemas['TaskView'];
export type TaskStatus = Schemas['TaskStatus'];
export type TimelineEvent = Schemas['EventView'];
export type CityStatus = Schemas['StatusView'];
export type FeedState = Schemas['FeedState'];
export type DeadLetter = Schemas['LetterView'];
export type Retried = Schemas['Retried'];
export type Replayed = Schemas['Replayed'];
export type DeadLetterContent = Schemas['LetterContent'];
export type Rule = Schemas['RuleView'];
export type RuleList = Schemas['RuleList'];
export type Role = Schemas['Role'];
export type Account = Schemas['UserView'];
export type AccountMade = Schemas['UserMade'];
export type Token = Schemas['TokenView'];
export type TokenMade = Schemas['TokenMade'];
export type Person = Schemas['PersonView'];
export type History = Schemas['SeriesView'];

export type Act = Schemas['Act'];
export type Status = Schemas['IncidentStatus'];
export type Severity = Schemas['Severity'];
export type ClosingReason = Schemas['ClosingReason'];

export const SEVERITIES: Severity[] = ['informational', 'low', 'medium', 'high', 'critical'];
export const STATUSES: Status[] = ['new', 'acknowledged', 'in_progress', 'resolved', 'closed'];
export const CLOSING_REASONS: ClosingReason[] = [
  'resolved',
  'false_alarm',
  'no_action',
  'duplicate',
  'handed_over',
  'test',
];

export interface Page<T> {
  items: T[];
  total: number;
  more: boolean;
}

/** A reading that an alert rests on. */
export interface Evidence {
  entity?: string;
  attribute?: string;
  value?: unknown;
  unitCode?: string;
  observedAt?: string;
  quality?: string;
  previous?: { value?: unknown; observedAt?: string } | null;
  [more: string]: unknown;
}

/** The members of an NGSI-LD subscription (ETSI GS CIM 009, 5.2.12) that the screen shows. */
export interface Subscription {
  id: string;
  subscriptionName?: string;
  description?: string;
  entities?: { type?: string }[];
  watchedAttributes?: string[];
  status: 'active' | 'paused' | 'expired';
  notification: {
    endpoint: { uri: string };
    status?: 'ok' | 'failed';
    timesSent?: number;
    timesFailed?: number;
    lastNotification?: string;
    dropped?: number;
  };
}

export interface Titled {
  de: string;
  en: string;
}

/** How things of some types are drawn; the packs' layers come from the server, parts declare layers of their own. */
export type Layer = Omit<Schemas['LayerView'], 'pack'>;
/** How a layer's things are listed beside the map, by attribute: those alone for which `while` holds. */
export type Listed = Schemas['Listing'];
/** The names of types, attributes and coded values in one language. */
export type PackWords = Schemas['PackTexts'];

export type City = Omit<Schemas['CityView'], 'bbox' | 'centre'> & {
  bbox: [number, number, number, number] | null;
  centre: [number, number] | null;
};

export type SessionState = Omit<Schemas['SessionView'], 'city'> & { city: City };
