// Problem details (RFC 9457): the one error shape of every API of the city.

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly members: Record<string, unknown> = {},
  ) {
    super(detail || title);
    this.name = 'Problem';
  }

  /** The last part of the problem's type, such as `account-locked`. */
  get kind(): string {
    return String(this.members['type'] ?? '').replace(/^.*:/, '');
  }

  /** Somebody else changed the thing first: reload, then decide again. */
  get isConflict(): boolean {
    return this.status === 409;
  }

  /** There is no session, or it has ended. */
  get isUnauthenticated(): boolean {
    return this.status === 401;
  }
}

/** Reads a failed answer; one without a body, or from something between us and the city, still becomes a Problem. */
export async function readProblem(response: Response): Promise<Problem> {
  let body: Record<string, unknown> = {};
  try {
    body = (await response.json()) as Record<string, unknown>;
  } catch {
    // No JSON: the status line is all there is.
  }
  const { title, detail, ...members } = body;
  return new Problem(
    response.status,
    typeof title === 'string' ? title : response.statusText,
    typeof detail === 'string' ? detail : '',
    members,
  );
}

/** The city could not be reached at all. */
export function unreachable(cause: unknown): Problem {
  return new Problem(0, 'unreachable', cause instanceof Error ? cause.message : String(cause));
}
