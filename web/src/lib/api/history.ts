// Queries the history of an attribute.

import type { Client } from './client';
import type { History } from './model';

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
