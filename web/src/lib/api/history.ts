// What an attribute was over time.

import type { Client } from './client';

export interface Sample {
  observed_at: string | null;
  recorded_at: string;
  value: unknown;
}

export interface History {
  samples: Sample[];
  unit_code: string | null;
}

export interface Span {
  since: Date;
  until: Date;
}

export function getHistory(
  client: Client,
  entity: string,
  attribute: string,
  span: Span,
  limit = 2000,
): Promise<History> {
  return client.get<History>('/api/v1/history', {
    query: { entity, attribute, since: span.since.toISOString(), until: span.until.toISOString(), limit },
  });
}
