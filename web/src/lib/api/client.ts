// The HTTP client: same origin, session cookie, JSON in and out; a failed request raises Problem.

import { readProblem, unreachable } from './problem';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface Asked {
  query?: Query | undefined;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export class Client {
  /** `onSignedOut` is called on each response 401 outside of sign-in; responses are requested in
   *  the reader's `language`, which need not be the browser's. */
  constructor(
    private readonly base: string = '',
    private readonly onSignedOut: () => void = () => {},
    private readonly fetcher: typeof fetch = (input, init) => fetch(input, init),
    private readonly language: () => string = () => '',
  ) {}

  get<T>(path: string, asked: Asked = {}): Promise<T> {
    return this.ask<T>('GET', path, asked);
  }

  post<T>(path: string, body?: unknown): Promise<T> {
    return this.ask<T>('POST', path, { body });
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.ask<T>('PUT', path, { body });
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.ask<T>('PATCH', path, { body });
  }

  delete<T>(path: string): Promise<T> {
    return this.ask<T>('DELETE', path, {});
  }

  /** Sends a request and gives the answer itself when it succeeded; raises Problem otherwise. */
  async send(method: Method, path: string, asked: Asked): Promise<Response> {
    let response: Response;
    try {
      response = await this.fetcher(this.base + path + encode(asked.query), {
        method,
        credentials: 'same-origin',
        headers: {
          Accept: 'application/json',
          ...(this.language() ? { 'Accept-Language': this.language() } : {}),
          ...(asked.body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...asked.headers,
        },
        ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) }),
        ...(asked.signal ? { signal: asked.signal } : {}),
      });
    } catch (cause) {
      throw unreachable(cause);
    }
    if (response.ok) return response;
    const problem = await readProblem(response);
    if (problem.isUnauthenticated && !path.startsWith('/api/v1/session')) this.onSignedOut();
    throw problem;
  }

  private async ask<T>(method: Method, path: string, asked: Asked): Promise<T> {
    const response = await this.send(method, path, asked);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }
}

function encode(query: Query | undefined): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null);
  if (!given.length) return '';
  return '?' + new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
}
