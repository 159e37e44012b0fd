// The accounts of people and the tokens of machines, as administrators see them.

import type { Account, Role } from '$lib/api/model';

/** What a person may be. */
export const PEOPLE_ROLES: Role[] = ['reader', 'agency', 'operator', 'partner', 'admin'];
/** What a machine may be. */
export const MACHINE_ROLES: Role[] = ['device', 'partner', 'reader', 'operator', 'agency', 'admin'];

/** Where one account, token or agency answers. */
export function pathOf(kind: 'users' | 'tokens', name: string, action = ''): string {
  return `/api/v1/${kind}/${encodeURIComponent(name)}${action && `/${action}`}`;
}

/** Whom a list calls what: the full name, and the name for signing in where that is another. */
export function calledOf(account: Pick<Account, 'name' | 'full_name'>): string {
  return account.full_name || account.name;
}
