// The session: sign in, resume, change the password, sign out.

import type { Client } from '$lib/api/client';
import type { Actor, City, SessionState } from '$lib/api/model';
import { Problem } from '$lib/api/problem';

export type Stage = 'asking' | 'out' | 'changing' | 'in';

export class Session {
  state = $state<Stage>('asking');
  actor = $state.raw<Actor | null>(null);
  /** What the policy permits, by name of the action. */
  actions = $state.raw<ReadonlySet<string>>(new Set());
  city = $state.raw<City | null>(null);
  name = $state('');
  /** The session has ended; the sign-in page says so. */
  lapsed = $state(false);
  /** The city did not answer at all. */
  unreachable = $state(false);

  constructor(private readonly client: Client) {}

  /** Takes up a session that the cookie still holds, or an open city's. */
  async resume(): Promise<void> {
    try {
      this.enter(await this.client.get<SessionState>('/api/v1/session'));
    } catch (problem) {
      this.unreachable = problem instanceof Problem && problem.status === 0;
      this.state = 'out';
      await this.look();
    }
  }

  async signIn(name: string, password: string): Promise<void> {
    this.name = name;
    const state = await this.client.post<SessionState>('/api/v1/session', { name, password });
    this.lapsed = false;
    this.unreachable = false;
    this.enter(state);
  }

  async changePassword(oldPassword: string, newPassword: string): Promise<void> {
    await this.client.put('/api/v1/session/password', {
      old_password: oldPassword,
      new_password: newPassword,
    });
    this.enter(await this.client.get<SessionState>('/api/v1/session'));
  }

  async signOut(): Promise<void> {
    await this.client.delete('/api/v1/session').catch(() => {});
    this.leave();
  }

  lapse(): void {
    if (this.state !== 'in') return;
    this.lapsed = true;
    this.leave();
  }

  /** Loads what is shown without a session: the city's name. */
  private async look(): Promise<void> {
    try {
      this.city = await this.client.get<City>('/api/v1/city');
    } catch {
      // The page says already that the city cannot be reached.
    }
  }

  private enter(state: SessionState): void {
    this.actor = state.actor;
    this.actions = new Set(state.actions);
    this.city = state.city;
    if (state.must_change_password) {
      this.state = 'changing';
      return;
    }
    this.state = 'in';
  }

  private leave(): void {
    this.actor = null;
    this.state = 'out';
  }
}
